package memcachedstore

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// A record keeps its expiry however often it is saved with the expiry that it
// was loaded with, and wherever in a tick of the server that happens.
func TestExpiryIsStable(t *testing.T) {
	start := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for range 20_000 {
		now := start.Add(time.Duration(rand.Int64N(1e11)))
		// The server's count of seconds, which lags by up to two.
		tick := func() int64 { return now.Unix() - rand.Int64N(3) }
		asked := now.Add(time.Duration(rand.Int64N(int64(29 * 24 * time.Hour))))
		w := write{}
		w.expire(asked, now, 0)
		end := tick() + w.exptime
		if end < now.Unix()+asked.Unix()-now.Unix() {
			t.Fatalf("the item expires %d seconds early", asked.Unix()-end)
		}
		now = now.Add(time.Duration(rand.Float64() * 0.9 * float64(asked.Sub(now))))
		first := item{left: end - tick()}
		first.date(now)
		if late := first.expires.Sub(asked); late < 0 || late > grid*time.Second {
			t.Fatalf("the expiry is reported %v late", late)
		}
		w = write{}
		w.expire(first.expires, now, 0)
		second := item{left: tick() + w.exptime - tick()}
		second.date(now)
		if !second.expires.Equal(first.expires) {
			t.Fatalf("saved with its own expiry, %v, the record has %v", first.expires, second.expires)
		}
	}
}

func TestExpire(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	const days = 24 * time.Hour
	for _, c := range []struct {
		name    string
		expires time.Time
		ahead   int64
		want    int64
		far     bool
	}{
		{"never", time.Time{}, 0, 0, false},
		{"a moment", now.Add(1), 0, 5 + margin, false},
		{"a minute", now.Add(time.Minute), 0, 60 + margin, false},
		{"a minute and a bit", now.Add(time.Minute + 1), 0, 65 + margin, false},
		{"a relative expiry needs no clock", now.Add(time.Minute), 1000, 60 + margin, false},
		{"nearly 30 days", now.Add(30*days - 5*time.Second), 0, maxRelative - 5 + margin, false},
		{"30 days", now.Add(30 * days), 0, now.Unix() + maxRelative + margin, false},
		{"31 days, with the server's clock ahead", now.Add(31 * days), 1000, now.Unix() + 31*86400 + margin + 1000, false},
		{"the last date", time.Unix(maxDate-7, 0), 0, maxDate - 5, false},
		{"beyond the last date", time.Unix(maxDate, 0), 0, 0, true},
		{"year 9999", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), 0, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w write
			w.expire(c.expires, now, c.ahead)
			if w.exptime != c.want || (w.flags&flagFar != 0) != c.far || (len(w.end) == farSize) != c.far {
				t.Errorf("expire = %d, %d bytes, flags %#x, want %d, far %v", w.exptime, len(w.end), w.flags, c.want, c.far)
			}
		})
	}
}

// at makes the store believe that it is another time.
func (s *Store) at(shift time.Duration) {
	s.now = func() time.Time { return time.Now().Add(shift) }
	for _, srv := range s.servers {
		srv.drop()
		srv.now = s.now
	}
}

// The server cannot expire what lives beyond its dates; then we must.
func TestRecordsBeyondTheServersDatesExpire(t *testing.T) {
	ctx := t.Context()
	end := time.Date(2039, 1, 1, 0, 0, 0, 0, time.UTC)
	expired := func(name string, test func(t *testing.T, s *Store, key string, r store.Record)) {
		t.Run(name, func(t *testing.T) {
			s := open(t, Options{}, one.Get(t).Addr())
			key := key(t, "k")
			r, err := s.Save(ctx, key, store.Record{}, store.Record{Data: []byte("data"), Expires: end})
			if err != nil {
				t.Fatal(err)
			}
			s.at(time.Until(end) - time.Hour)
			if r = holds(t, s, key, "data"); !r.Expires.Equal(end) {
				t.Errorf("expiry is %v, want %v", r.Expires, end)
			}
			s.at(time.Until(end) + time.Second)
			test(t, s, key, r)
		})
	}
	later := end.AddDate(0, 0, 20)
	expired("Load", func(t *testing.T, s *Store, key string, _ store.Record) { absent(t, s, key) })
	expired("Save over it", func(t *testing.T, s *Store, key string, r store.Record) {
		if _, err := s.Save(ctx, key, r, store.Record{Data: []byte("new"), Expires: later}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Save = %v, want ErrConflict", err)
		}
		absent(t, s, key)
	})
	expired("Save that deletes it", func(t *testing.T, s *Store, key string, r store.Record) {
		if _, err := s.Save(ctx, key, r, store.Record{}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Save = %v, want ErrConflict", err)
		}
	})
	expired("Save where it was", func(t *testing.T, s *Store, key string, _ store.Record) {
		r, err := s.Save(ctx, key, store.Record{}, store.Record{Data: []byte("new"), Expires: later})
		if err != nil {
			t.Fatalf("Save = %v, want nil", err)
		}
		holds(t, s, key, "new")
		if _, err := s.Save(ctx, key, store.Record{}, r); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Save over a live record = %v, want ErrConflict", err)
		}
	})
	expired("Touch", func(t *testing.T, s *Store, key string, r store.Record) {
		for _, expires := range []time.Time{later, {}} {
			if err := s.Touch(ctx, key, r, expires); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Touch = %v, want ErrNotFound", err)
			}
		}
		absent(t, s, key)
	})
	expired("List", func(t *testing.T, s *Store, key string, _ store.Record) {
		for range s.List(ctx, key) {
			t.Error("the record is listed")
		}
	})
}

// Python programs see the eight bytes of the expiry only where they could not
// have stored it.
func TestOnlyFarRecordsAreMarked(t *testing.T) {
	p := one.Get(t)
	s := open(t, Options{Flags: 1}, p.Addr())
	for name, c := range map[string]struct {
		expires time.Time
		want    string
	}{
		"never": {time.Time{}, "VALUE 1 4 data"},
		"hour":  {far(), "VALUE 1 4 data"},
		"2030":  {time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), "VALUE 1 4 data"},
		"2040":  {time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC), "VALUE 2147483649 12 data"},
	} {
		key := key(t, name)
		r, err := s.Save(t.Context(), key, store.Record{}, store.Record{Data: []byte("data"), Expires: c.expires})
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Replace(raw(t, p.Addr(), "get "+key), key+" ", "", 1)
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: the item is %q, want %q", name, got, c.want)
		}
		// The mark goes with the expiry.
		if _, err := s.Save(t.Context(), key, r, store.Record{Data: []byte("more"), Expires: far()}); err != nil {
			t.Fatal(err)
		}
		if got := raw(t, p.Addr(), "get "+key); !strings.HasSuffix(got, " 1 4 more END") {
			t.Errorf("%s: saved again, the item is %q", name, got)
		}
	}
}

func TestServersClockMayBeWrong(t *testing.T) {
	p := one.Get(t)
	for name, shift := range map[string]time.Duration{"ahead": -1000 * time.Second, "behind": 1000 * time.Second} {
		t.Run("server's clock is "+name, func(t *testing.T) {
			s := open(t, Options{}, p.Addr())
			s.at(shift)
			key := key(t, "k")
			expires := s.now().Add(40 * 24 * time.Hour).Truncate(grid * time.Second)
			if _, err := s.Save(t.Context(), key, store.Record{}, store.Record{Data: []byte("data"), Expires: expires}); err != nil {
				t.Fatal(err)
			}
			if r := holds(t, s, key, "data"); r.Expires.Before(expires) || r.Expires.After(expires.Add(2*grid*time.Second)) {
				t.Errorf("expiry is %v after the one that was saved", r.Expires.Sub(expires))
			}
		})
	}
}
