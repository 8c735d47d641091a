package memcachedstore

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// The writers of a session are in two processes, 32 in each.
func TestProcessesLoseNoWrite(t *testing.T) {
	t.Parallel()
	servers := []string{one.Get(t).Addr(), two.Get(t).Addr(), three.Get(t).Addr()}
	s := open(t, Options{}, servers...)
	key := key(t, "counter")
	create(t, s, key, "0")
	child := spawn(t, "count", key, servers...)
	if err := count(t.Context(), s, key); err != nil {
		t.Error(err)
	}
	end(t, child)
	holds(t, s, key, strconv.Itoa(2*32*each))
}

// A delete beats all saves in flight, those of another process, too.
func TestDeleteBeatsProcesses(t *testing.T) {
	t.Parallel()
	servers := []string{one.Get(t).Addr(), two.Get(t).Addr(), three.Get(t).Addr()}
	s := open(t, Options{}, servers...)
	for i := range 3 {
		key := key(t, fmt.Sprint(i))
		first := create(t, s, key, "begin")
		child := spawn(t, "save", key, servers...)
		// Delete when the child is at it.
		eventually(t, "the child's first save", func() error {
			if r, err := s.Load(t.Context(), key); err != nil || string(r.Data) == "begin" {
				return errors.New("not yet")
			}
			return nil
		})
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := saveUntilGone(t.Context(), s, key); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Duration(i) * 10 * time.Millisecond)
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		absent(t, s, key)
		wg.Wait()
		end(t, child)
		absent(t, s, key)
		if _, err := s.Save(t.Context(), key, first, first); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Save = %v, want ErrConflict", err)
		}
	}
}

// What others do with an item between Load and Save.
func TestForeignWrites(t *testing.T) {
	p := one.Get(t)
	s := open(t, Options{}, p.Addr())
	for _, c := range []struct {
		name, command, holds string
		conflict             bool
	}{
		{"rewritten as it was", "set %s 0 3600 4\r\ndata", "data", false},
		{"rewritten with other flags", "set %s 16 3600 4\r\ndata", "data", false},
		{"changed", "set %s 0 3600 4\r\nelse", "else", true},
		{"lengthened", "append %s 0 3600 1\r\n!", "data!", true},
		{"touched", "touch %s 7200", "data", false},
		{"deleted", "delete %s", "", true},
		{"deleted and created", "delete %[1]s\r\nadd %[1]s 0 3600 5\r\nother", "other", true},
		{"expired", "touch %s -1", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for what, next := range map[string]store.Record{"replace": {Data: []byte("new"), Expires: far()}, "delete": {}} {
				key := key(t, what)
				r := create(t, s, key, "data")
				raw(t, p.Addr(), fmt.Sprintf(c.command, key))
				if c.holds == "" {
					absent(t, s, key)
				} else {
					holds(t, s, key, c.holds)
				}
				_, err := s.Save(t.Context(), key, r, next)
				if errors.Is(err, store.ErrConflict) != c.conflict || err != nil && !c.conflict {
					t.Fatalf("Save that would %s = %v, want a conflict: %v", what, err, c.conflict)
				}
				switch {
				case c.conflict && c.holds == "", !c.conflict && what == "delete":
					absent(t, s, key)
				case c.conflict:
					holds(t, s, key, c.holds)
				default:
					holds(t, s, key, "new")
				}
			}
		})
	}
}

// A touch writes the item back: with its flags, and with the newest data even
// if the caller knows older data.
func TestTouchWritesBackWhatIsThere(t *testing.T) {
	p := one.Get(t)
	s := open(t, Options{}, p.Addr())
	key := key(t, "k")
	r := create(t, s, key, "data")
	raw(t, p.Addr(), fmt.Sprintf("set %s 9 60 5\r\nnewer", key))
	if err := s.Touch(t.Context(), key, r, far()); err != nil {
		t.Fatal(err)
	}
	if got, want := raw(t, p.Addr(), "get "+key), "VALUE "+key+" 9 5 newer END"; got != want {
		t.Errorf("the item is %q, want %q", got, want)
	}
	if r := holds(t, s, key, "newer"); r.Expires.Before(far().Add(-time.Minute)) {
		t.Errorf("the expiry is %v, want it moved", r.Expires)
	}
}

func TestTwoWalksAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, Options{}, one.Get(t).Addr(), two.Get(t).Addr())
	prefix := key(t, "")
	const n = 300
	for i := range n {
		create(t, s, prefix+fmt.Sprint(i), "data")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			seen := map[string]bool{}
			for e, err := range s.List(t.Context(), prefix) {
				if err != nil {
					t.Errorf("List = %v, want no error", err)
				}
				seen[e.Key] = true
			}
			if len(seen) != n {
				t.Errorf("%d records are listed, want %d", len(seen), n)
			}
		})
	}
	wg.Wait()
}

// Keys of other programs may have bytes that ours never have.
func TestForeignKeysAreNotListed(t *testing.T) {
	p := two.Get(t)
	s := open(t, Options{}, p.Addr())
	prefix := key(t, "")
	create(t, s, prefix+"ours", "data")
	raw(t, p.Addr(), fmt.Sprintf("set %s\xff\x01 0 60 1\r\nx", prefix))
	n := 0
	for e, err := range s.List(t.Context(), prefix) {
		if n++; err != nil || e.Key != prefix+"ours" {
			t.Errorf("List yields %q, %v, want our key", e.Key, err)
		}
	}
	if n != 1 {
		t.Errorf("%d records are listed, want 1", n)
	}
}
