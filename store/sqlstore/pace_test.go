package sqlstore

import (
	"testing"
	"time"
)

func TestPaceIsLearned(t *testing.T) {
	for _, c := range []struct {
		name string
		rest bool
		took time.Duration
		want int
	}{
		{"quick", false, time.Millisecond, 2 * paceFirst},
		{"quick, as little was left", true, time.Millisecond, paceFirst},
		{"just right", false, paceTime / 2, paceFirst},
		{"slow", false, paceTime * 3 / 2, paceFirst * 2 / 3},
		{"far too slow", false, 100 * paceTime, paceLeast},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p pace
			n := p.next(1000)
			p.took(n, c.rest, c.took)
			if got := p.next(1000); n != paceFirst || got != c.want {
				t.Errorf("a statement is given %d, then %d, want %d, then %d", n, got, paceFirst, c.want)
			}
		})
	}
}

func TestPaceOfPagesThatAreFull(t *testing.T) {
	var p pace
	for n := p.next(1000); n < 1000; n = p.next(1000) {
		p.took(n, false, 0)
	}
	p.enough(40)
	if got := p.next(1000); got != 40 {
		t.Errorf("a statement is given %d, want 40", got)
	}
	p.enough(1)
	if got := p.next(1000); got != paceLeast {
		t.Errorf("a statement is given %d, want %d", got, paceLeast)
	}
}

func TestPaceHasBounds(t *testing.T) {
	var p pace
	for range 100 {
		p.took(p.next(1000), false, 0)
	}
	if got := p.next(1000); got != 1000 {
		t.Errorf("a statement is given %d, want 1000", got)
	}
	p.took(1000, false, time.Hour)
	if got := p.next(1000); got != paceLeast {
		t.Errorf("a statement is given %d, want %d", got, paceLeast)
	}
}
