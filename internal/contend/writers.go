package contend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// Writers change records together, each its own number in each record. What
// one has been told is saved, it must find again ever after.
type Writers struct {
	s       store.Store
	keys    []string
	first   int  // number of the first writer, where another process has some, too
	callers int  // how many there are
	errorOK bool // errors other than conflicts are expected

	acknowledged atomic.Int64
	failed       atomic.Int64 // errors that were expected
	mu           sync.Mutex
	wrong        []error // what must not be
	texts        map[string]int
}

// numbers are the data of a record: the number that each writer has reached.
type numbers map[string]int

// port is what makes one error look like many.
var port = regexp.MustCompile(`:\d+`)

var errGone = errors.New("the record is gone")

// create makes the records.
func (w *Writers) create(ctx context.Context) error {
	for _, key := range w.keys {
		if _, err := w.s.Save(ctx, key, store.Record{}, store.Record{Data: []byte("{}"), Expires: time.Now().Add(time.Hour)}); err != nil {
			return err
		}
	}
	return nil
}

// run lets all writers go on until each has made so many steps, or stop is
// closed.
func (w *Writers) run(ctx context.Context, steps int, stop <-chan struct{}) {
	var wg sync.WaitGroup
	for i := range w.callers {
		wg.Go(func() {
			reached := make([]int, len(w.keys))
			for n := 0; n < steps; n++ {
				select {
				case <-stop:
					return
				default:
				}
				k := (n + i) % len(w.keys)
				if !w.advance(ctx, w.keys[k], strconv.Itoa(w.first+i), &reached[k], stop) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// advance moves one number of a record on by one, and reports whether to go on.
func (w *Writers) advance(ctx context.Context, key, writer string, reached *int, stop <-chan struct{}) bool {
	for {
		err := w.try(ctx, key, writer, *reached)
		switch {
		case err == nil:
			*reached++
			w.acknowledged.Add(1)
			return true
		case errors.Is(err, store.ErrConflict):
			continue
		case errors.Is(err, errGone), !w.errorOK:
			w.mu.Lock()
			w.wrong = append(w.wrong, fmt.Errorf("writer %s: %w", writer, err))
			w.mu.Unlock()
			return false
		}
		w.failed.Add(1)
		w.mu.Lock()
		if w.texts == nil {
			w.texts = map[string]int{}
		}
		w.texts[port.ReplaceAllString(err.Error(), ":…")]++
		w.mu.Unlock()
		select {
		case <-stop:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// try makes one attempt.
func (w *Writers) try(ctx context.Context, key, writer string, reached int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	prev, err := w.s.Load(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return errGone
	}
	if err != nil {
		return err
	}
	got := numbers{}
	if err := json.Unmarshal(prev.Data, &got); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	if got[writer] < reached {
		return fmt.Errorf("%w: %d was acknowledged, now it is %d", errGone, reached, got[writer])
	}
	got[writer] = reached + 1
	data, err := json.Marshal(got)
	if err != nil {
		return err
	}
	_, err = w.s.Save(ctx, key, prev, store.Record{Data: data, Expires: prev.Expires})
	return err
}

// report tells what must not be.
func (w *Writers) report(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, err := range w.wrong {
		t.Errorf("wrong: %v", err)
	}
	for text, n := range w.texts {
		t.Logf("seen %d times: %s", n, text)
	}
	t.Logf("%d changes were acknowledged, %d calls failed", w.acknowledged.Load(), w.failed.Load())
}

// UnderLoad runs f while writers change records. Until f returns, calls may
// fail, but what was acknowledged must stay.
func UnderLoad(t *testing.T, s store.Store, keys []string, f func(w *Writers)) {
	t.Helper()
	w := &Writers{s: s, keys: keys, callers: 16, errorOK: true}
	if err := w.create(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		w.run(t.Context(), 1<<30, stop)
	}()
	defer func() {
		close(stop)
		<-done
		w.report(t)
	}()
	w.GoOn(t)
	f(w)
	w.GoOn(t)
}

// GoOn waits for a number of further changes.
func (w *Writers) GoOn(t *testing.T) {
	t.Helper()
	want := w.acknowledged.Load() + 50
	eventually(t, "changes are acknowledged again", func() bool { return w.acknowledged.Load() > want || w.stuck() })
}

func (w *Writers) stuck() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.wrong) > 0
}

// FailFor waits for a number of calls to fail.
func (w *Writers) FailFor(t *testing.T, n int64) {
	t.Helper()
	want := w.failed.Load() + n
	eventually(t, "calls fail", func() bool { return w.failed.Load() > want || w.stuck() })
}

// eventually waits until f returns true.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	const limit = time.Minute // Sentinels take their time on a busy machine
	for end := time.Now().Add(limit); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after %v: %s", limit, what)
		}
	}
}
