package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

const (
	writers = 64
	each    = 1
)

// increment adds one to a record, as often as it takes.
func increment(ctx context.Context, s store.Store, key string) error {
	for {
		r, err := s.Load(ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		n, _ := strconv.Atoi(string(r.Data))
		_, err = s.Save(ctx, key, r, record(strconv.Itoa(n+1), time.Now().Add(time.Hour)))
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// together calls f from many goroutines.
func together(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// childCount is half of the writers.
func childCount(ctx context.Context, s *Store) error {
	return together(writers/2, func(int) error {
		for range each {
			if err := increment(ctx, s, "counter"); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestWritersLoseNothing(t *testing.T) {
	for _, layout := range layouts {
		t.Run(layout, func(t *testing.T) {
			t.Parallel()
			rawURL := fresh(server(t), layout)
			s := open(t, rawURL)
			other := spawn(t, "count", rawURL)
			if err := childCount(t.Context(), s); err != nil {
				t.Error(err)
			}
			other.end(t)
			holds(t, s, "counter", strconv.Itoa(writers*each))
		})
	}
}

// childSave is half of those who save, and says when they have begun.
func childSave(ctx context.Context, s *Store) error {
	return saveUntilGone(ctx, s, func() { fmt.Println("begun") })
}

// saveUntilGone saves a record that is there, over and over, from many
// goroutines, until it is gone. None of them creates it.
func saveUntilGone(ctx context.Context, s *Store, allBegun func()) error {
	var begun sync.WaitGroup
	begun.Add(writers / 2)
	go func() {
		begun.Wait()
		allBegun()
	}()
	return together(writers/2, func(i int) error {
		for n := 0; ; n++ {
			r, err := s.Load(ctx, "doomed")
			if errors.Is(err, store.ErrNotFound) && n > 0 {
				return nil
			}
			if err != nil {
				return err
			}
			if n == 0 {
				begun.Done()
			}
			_, err = s.Save(ctx, "doomed", r, record(fmt.Sprint(i, n), time.Now().Add(time.Hour)))
			if err != nil && !errors.Is(err, store.ErrConflict) {
				return err
			}
		}
	})
}

func TestDeleteBeatsSavesInFlight(t *testing.T) {
	for _, layout := range layouts {
		t.Run(layout, func(t *testing.T) {
			t.Parallel()
			rawURL := fresh(server(t), layout)
			s := open(t, rawURL)
			if _, err := s.Save(t.Context(), "doomed", store.Record{}, record("begin", inAnHour())); err != nil {
				t.Fatal(err)
			}
			other := spawn(t, "save", rawURL)
			here := make(chan error, 1)
			go func() { here <- saveUntilGone(t.Context(), s, func() {}) }()
			other.out.Scan() // begun
			if err := s.Delete(t.Context(), "doomed"); err != nil {
				t.Errorf("Delete = %v", err)
			}
			gone := func() {
				if r, err := s.Load(t.Context(), "doomed"); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("Load after Delete = %q, %v, want ErrNotFound", r.Data, err)
				}
			}
			gone()
			if err := <-here; err != nil {
				t.Error(err)
			}
			other.end(t)
			gone()
		})
	}
}
