package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// A visitor who asks for a page that flashes, and for none that shows, again
// and again. His session can be saved all the time, the hook says what was
// dropped, and the newest messages are there in the end.
func TestFlashesThatNoPageShows(t *testing.T) {
	for name, c := range map[string]struct {
		sealed  bool
		opts    cloakroom.Options
		message string
		visits  int
		most    int // messages that are kept
	}{
		"many":                     {false, cloakroom.Options{}, "", 2100, 1000},
		"long ones":                {false, cloakroom.Options{MaxSize: 100_000}, strings.Repeat("x", 1000), 120, 50},
		"in a sealed cookie":       {true, cloakroom.Options{}, strings.Repeat("x", 200), 50, 10},
		"in JSON":                  {false, cloakroom.Options{Codec: codec.JSON}, "", 1100, 1000},
		"in a codec of somebody's": {false, cloakroom.Options{Codec: struct{ codec.Codec }{codec.JSON}}, "", 1100, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			var s *sitetest.Site
			if s = sitetest.New(t, c.opts); c.sealed {
				s = sitetest.NewSealed(t, c.opts)
			}
			b := s.Known(t)
			dropped := 0
			for i := range c.visits {
				b.OK(func(s *cloakroom.Session) { s.Flash("info", fmt.Sprint(sitetest.Hush, i, c.message)) })
				for _, e := range s.Log.Take() {
					if e.Name != "Error" {
						continue
					}
					var n int
					if _, err := fmt.Sscanf(e.Err.Error(), "cloakroom: flash: limit exceeded: %d messages", &n); err != nil || n == 0 {
						t.Errorf("Error says %v", e.Err)
					}
					if dropped += n; !errors.Is(e.Err, codec.ErrLimit) || e.Handle == "" {
						t.Errorf("Error: %+v", e.Event)
					}
				}
			}
			b.OK(func(s *cloakroom.Session) {
				got := s.Flashes()
				if len(got) > c.most || len(got) < c.most*8/10 || len(got)+dropped != c.visits {
					t.Errorf("of %d messages %d are kept and %d were dropped, want at most %d kept", c.visits, len(got), dropped, c.most)
				}
				for i, m := range got {
					if want := fmt.Sprint(sitetest.Hush, c.visits-len(got)+i, c.message); m.Message != want {
						t.Fatalf("message %d is %.20q, want %.20q", i, m.Message, want)
					}
				}
				if !s.Has("user") {
					t.Error("the session is not as it was")
				}
			})
			if lines := s.Log.Lines(); len(lines) == 0 || len(lines) > dropped/10+1 && c.most > 100 {
				t.Errorf("%d lines are in the log for %d dropped messages", len(lines), dropped)
			}
		})
	}
}

// Messages that are dropped in a save that fails have not been dropped.
func TestFlashesOfAFailedSaveAreNotDropped(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{MaxSize: 20_000})
	b := s.Known(t)
	b.OK(func(s *cloakroom.Session) {
		for i := range 1000 {
			s.Flash("a", fmt.Sprint(i))
		}
	})
	s.Log.Take()
	b.Visit(func(s *cloakroom.Session) { s.Flash("a", "new"); s.Set("x", make([]byte, 20_000)) })
	for _, e := range s.Log.Take() {
		if errors.Is(e.Err, codec.ErrLimit) {
			t.Errorf("%s says %v", e.Name, e.Err)
		}
	}
	b.OK(func(s *cloakroom.Session) {
		if got := s.Flashes(); len(got) != 1000 {
			t.Errorf("%d messages are left", len(got))
		}
	})
}
