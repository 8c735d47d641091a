package guarantee_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

func loginAs(user string) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) { s.Login(user) }
}

// is returns a use of a session that fails unless it belongs to a user.
func is(t *testing.T, what, user string) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) {
		t.Helper()
		if got := s.User(); got != user {
			t.Errorf("%s: %q is logged in, want %q", what, got, user)
		}
	}
}

func devicesOf(t *testing.T, s *sitetest.Site, user string) []cloakroom.Device {
	t.Helper()
	devices, err := s.Manager.Devices(context.Background(), user)
	if err != nil {
		t.Fatal(err)
	}
	return devices
}

// userRecord returns the key of a user's record, of whom there is but one, and the
// record.
func userRecord(t testing.TB, s *sitetest.Site) (string, store.Record) {
	t.Helper()
	for key, r := range s.Users(t) {
		return key, r
	}
	return "", store.Record{}
}

// entries returns how many sessions a user's record lists.
func entries(t *testing.T, s *sitetest.Site) int {
	t.Helper()
	_, r := userRecord(t, s)
	var list struct {
		Sessions []any `msgpack:"sessions"`
	}
	if r.Exists() {
		if err := codec.MsgPack.Unmarshal(r.Data, &list); err != nil {
			t.Fatal(err)
		}
	}
	return len(list.Sessions) / 3
}

// However long a session lives, its user's record lives longer: it is listed, and
// can be revoked.
func TestUsersRecordOutlivesHisSessions(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name           string
		idle, lifetime time.Duration
		every          time.Duration
		days           int
		renew          time.Duration
	}{
		{"unlimited lifetime", time.Hour, cloakroom.NoLimit, 40 * time.Minute, 100, 0},
		{"long idle timeout", 60 * day, cloakroom.NoLimit, 50 * day, 1000, 0},
		{"renewed", 60 * day, cloakroom.NoLimit, 20 * day, 1000, 10 * day},
		{"long lifetime", 10 * day, 400 * day, 9 * day, 390, 0},
		{"no idle timeout", cloakroom.NoLimit, 400 * day, 30 * day, 390, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := plain()
				o.IdleTimeout, o.Lifetime, o.Permanent, o.RenewEvery = c.idle, c.lifetime, true, c.renew
				inner := &shelf{memstore.New(memstore.Options{})}
				s := sitetest.NewOn(t, inner, o)
				defer func() { inner.Close() }()
				b := s.Browser(t)
				b.OK(loginAs("ada"))
				for since := time.Duration(0); since < time.Duration(c.days)*day; since += c.every {
					inner.Store = passed(inner.Store, c.every)
					b.OK(is(t, fmt.Sprint("after ", since), "ada"))
					if n := len(devicesOf(t, s, "ada")); n != 1 {
						t.Fatalf("after %v there are %d devices, want 1", since, n)
					}
					s.Calls()
				}
				if err := s.Manager.RevokeUser(context.Background(), "ada"); err != nil {
					t.Fatal(err)
				}
				b.OK(is(t, "after the revocation", ""))
			})
		})
	}
}

// Entries of logins that have not come about, and of sessions that have ended, go.
func TestEntriesThatLeadNowhereDisappear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := plain()
		o.IdleTimeout = 12 * time.Hour
		s := sitetest.New(t, o)
		kept := s.Browser(t)
		kept.OK(loginAs("ada"))
		for range 20 { // the sessions of these are never saved
			s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 2, Times: 1, Err: errors.New("down")})
			if a := s.Browser(t).Visit(loginAs("ada")); a.StatusCode != http.StatusServiceUnavailable {
				t.Fatal(a)
			}
			s.Store.Heal()
		}
		s.Log.Lines()
		for range 10 {
			b := s.Browser(t)
			b.OK(loginAs("ada"))
			b.OK((*cloakroom.Session).Destroy)
		}
		if n := entries(t, s); n != 31 {
			t.Fatalf("%d entries, want 31", n)
		}
		s.Browser(t).OK(loginAs("ada")) // the 32nd
		time.Sleep(9 * time.Minute)
		s.Browser(t).OK(loginAs("ada"))
		if n := entries(t, s); n != 23 {
			t.Errorf("after nine minutes: %d entries, want 23: those of logins may still come", n)
		}
		time.Sleep(2 * time.Minute)
		for range 10 {
			s.Browser(t).OK(loginAs("ada"))
		}
		if n := entries(t, s); n != 13 {
			t.Errorf("after eleven minutes: %d entries, want the 13 of sessions that are there", n)
		}
		kept.OK(is(t, "the first", "ada"))
		if n := len(devicesOf(t, s, "ada")); n != 13 {
			t.Errorf("%d devices, want 13", n)
		}
	})
}

func TestMostSessionsOfAUser(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			o := plain()
			o.MaxPerUser, o.RefuseOverMax, o.IdleTimeout = 3, refuse, 12*time.Hour
			var failed error
			o.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
				failed = err
				w.WriteHeader(http.StatusConflict)
			}
			s := sitetest.New(t, o)
			var all []*sitetest.Browser
			for range 3 {
				time.Sleep(time.Minute)
				b := s.Browser(t)
				b.OK(loginAs("ada"))
				all = append(all, b)
			}
			all[0].OK(loginAs("ada")) // is no other session
			bob := s.Browser(t)
			bob.OK(loginAs("bob"))
			time.Sleep(time.Minute)
			more := s.Browser(t)
			a := more.Visit(loginAs("ada"))
			if !refuse {
				if !a.OK() {
					t.Fatal(a)
				}
				all[1].OK(is(t, "the oldest", "")) // the first has logged in again
				all = []*sitetest.Browser{all[0], all[2], more}
			} else {
				if a.OK() || !errors.Is(failed, cloakroom.ErrTooManySessions) || len(a.SetCookie) > 0 {
					t.Errorf("%v, %v, %q", a, failed, a.SetCookie)
				}
				s.Log.Lines()
				all[1].OK((*cloakroom.Session).Destroy)
				if a := more.Visit(loginAs("ada")); !a.OK() {
					t.Errorf("after a logout: %v, %v", a, failed)
				}
				all = []*sitetest.Browser{all[0], all[2], more}
			}
			for _, b := range all {
				b.OK(is(t, "one of the three", "ada"))
			}
			bob.OK(is(t, "another user", "bob"))
			if n := len(devicesOf(t, s, "ada")); n != 3 {
				t.Errorf("%d devices, want 3", n)
			}
		})
	}
}

// A store that fails at any step of a renewal loses neither the session nor what the
// request has changed. The visitor's ticket goes on, and a minute later there is a
// new one.
func TestFailureAtEachStepOfARenewal(t *testing.T) {
	for call := 1; call <= 8; call++ {
		for _, lost := range []bool{false, true} {
			for _, sealed := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					o := plain()
					o.RenewEvery, o.IdleTimeout = time.Hour, 12*time.Hour
					if sealed {
						o.RecordKeys = [][]byte{[]byte(oldKey)}
					}
					s := sitetest.New(t, o)
					b := s.Browser(t)
					b.OK(loginAs("ada"))
					time.Sleep(61 * time.Minute)
					s.Store.Inject(cloakroomtest.Fault{Nth: call, Times: 1, Err: errors.New("down"), AnswerLost: lost})
					a := b.Visit(func(s *cloakroom.Session) { s.Set("page", 1) })
					s.Store.Heal()
					s.Log.Lines()
					what := fmt.Sprintf("call %d, lost: %v", call, lost)
					check := func(s *cloakroom.Session) {
						is(t, what, "ada")(s)
						if a.OK() && s.Get("page") != int64(1) {
							t.Errorf("%s: what was saved is lost", what)
						}
					}
					b.OK(check)
					if n := len(devicesOf(t, s, "ada")); n != 1 {
						t.Errorf("%s: %d devices, want 1", what, n)
					}
					ticket := b.Ticket()
					time.Sleep(2 * time.Minute)
					b.OK(check)
					b.OK(check)
					time.Sleep(31 * time.Second)
					b.OK(check)
					if ticket != b.Ticket() {
						s.Holder(t, ticket).OK(is(t, what+": the old ticket", ""))
					}
					if err := s.Manager.RevokeUser(context.Background(), "ada"); err != nil {
						t.Error(err)
					}
					b.OK(is(t, what+": after the revocation", ""))
				})
			}
		}
	}
}

// The answer that carries the new ticket is lost: the old one goes on, and after a
// minute gets another.
func TestLostAnswerOfARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := plain()
		o.RenewEvery, o.IdleTimeout = time.Hour, 12*time.Hour
		s := sitetest.New(t, o)
		b := s.Browser(t)
		b.OK(loginAs("ada"))
		old := b.Ticket()
		time.Sleep(61 * time.Minute)
		lost := s.Holder(t, old)
		lost.OK(sitetest.Count)
		if lost.Ticket() == old {
			t.Fatal("it was not renewed")
		}
		time.Sleep(59 * time.Second)
		b.OK(sitetest.Count)
		if b.Ticket() != old {
			t.Error("renewed again within a minute")
		}
		time.Sleep(2 * time.Second)
		b.OK(sitetest.Count)
		if b.Ticket() == old || b.Ticket() == lost.Ticket() {
			t.Fatal("not renewed again after a minute")
		}
		b.OK(func(s *cloakroom.Session) {
			is(t, "with the second ticket", "ada")(s)
			if n, _ := sitetest.Visits.Get(s); n != 3 {
				t.Errorf("the counter says %d, want 3", n)
			}
		})
		time.Sleep(31 * time.Second)
		for _, ticket := range []string{old, lost.Ticket()} {
			s.Holder(t, ticket).OK(is(t, "with an old ticket", ""))
		}
		b.OK(is(t, "the visitor", "ada"))
		if n := len(devicesOf(t, s, "ada")); n != 1 {
			t.Errorf("%d devices, want 1", n)
		}
	})
}

// A ticket whose successor has been seen leads to the session for the rest of the
// grace, and gets no other.
func TestOldTicketIsNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := plain()
		o.RenewEvery, o.IdleTimeout = time.Hour, 12*time.Hour
		s := sitetest.New(t, o)
		b := s.Browser(t)
		b.OK(loginAs("ada"))
		old := b.Ticket()
		time.Sleep(61 * time.Minute)
		b.OK(sitetest.Count)
		time.Sleep(50 * time.Second)
		b.OK(is(t, "the visitor", "ada"))
		time.Sleep(15 * time.Second)
		for _, use := range []func(*cloakroom.Session){sitetest.Count, is(t, "in the grace", "ada")} {
			if a := s.Holder(t, old).OK(use); len(a.SetCookie) > 0 {
				t.Errorf("the old ticket got %q", a.SetCookie)
			}
		}
		time.Sleep(16 * time.Second)
		s.Holder(t, old).OK(is(t, "after the grace", ""))
		b.OK(is(t, "the visitor", "ada"))
	})
}

// A user's record whose entries come one from the other, in the worst order, as
// somebody may have written it: nothing costs more than a few calls for each entry.
// Nor is each entry compared with each: the test would take a minute rather than a second.
func TestLongLineOfAUsersRecord(t *testing.T) {
	n := size(60_000, 10_000)
	o := unlogged()
	o.StoreTimeout = time.Hour
	line := func(t *testing.T, o cloakroom.Options) (*sitetest.Site, func(op string, most int)) {
		s := sitetest.New(t, o)
		s.Browser(t).OK(loginAs("ada"))
		key, r := userRecord(t, s)
		now := time.Now().UnixMilli()
		var list []any
		for i := range n {
			list = append(list, fmt.Sprint("k", n-i), fmt.Sprint("k", n-i-1), now) // young: no sweep drops it
		}
		data, err := codec.MsgPack.Marshal(nil, map[string]any{"user": "ada", "sessions": list})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Store.Unwrap().Save(t.Context(), key, r, store.Record{Data: data, Expires: r.Expires}); err != nil {
			t.Fatal(err)
		}
		s.Calls()
		return s, func(op string, most int) {
			t.Helper()
			if calls := len(s.Calls()); calls > most {
				t.Errorf("%s: %d calls of the store, want %d at the most", op, calls, most)
			}
		}
	}
	t.Run("revoked", func(t *testing.T) {
		s, cost := line(t, o)
		b := s.Browser(t)
		b.OK(loginAs("ada"))
		cost("login", 4)
		if n := len(devicesOf(t, s, "ada")); n != 1 {
			t.Errorf("%d devices, want 1", n)
		}
		cost("Devices", 2)
		spared := s.Open(t, b.Ticket()).Handle()
		s.Calls()
		if err := s.Manager.RevokeUser(t.Context(), "ada", spared); err != nil {
			t.Fatal(err)
		}
		cost("RevokeUser", 3+3*n)
		b.OK(is(t, "who was spared", "ada"))
		if n := entries(t, s); n != 1 {
			t.Errorf("%d entries are left, want 1", n)
		}
	})
	t.Run("in the way", func(t *testing.T) {
		o.MaxPerUser = 1
		s, cost := line(t, o)
		b := s.Browser(t)
		b.OK(loginAs("ada"))
		cost("login", 5+3*n)
		b.OK(is(t, "who took their place", "ada"))
		if n := entries(t, s); n != 1 {
			t.Errorf("%d entries are left, want 1", n)
		}
	})
}

// FuzzUsersRecord lets a user log in, list and revoke with whatever the store holds
// as his record. There is no panic, and no memory without bounds; what cannot be read
// is an error, and stays.
func FuzzUsersRecord(f *testing.F) {
	record := func(v any) []byte {
		data, err := codec.MsgPack.Marshal(nil, v)
		if err != nil {
			f.Fatal(err)
		}
		return data
	}
	list := func(sessions ...any) []byte { return record(map[string]any{"user": "ada", "sessions": sessions}) }
	dead := sitetest.Dead
	for _, data := range [][]byte{
		list(), list(dead, "", int64(5)), list(dead, dead, int64(5)), list("a", "b", int64(1), "b", "a", int64(1)), list("a", "b", int64(1), "a", "c", int64(1)),
		list(dead, "", -1), list(dead, "", "now"), list(dead, ""), list("", "", 1), list(7, 8, 9), list("user:x", "", int64(1)),
		record(map[string]any{"user": "bob", "sessions": []any{}}), record(map[string]any{"user": 5}), record([]any{1}), record(nil),
		{}, []byte("\x82\xa4user\xa3ada\xa8sessions\xdd\xff\xff\xff\xff"), []byte("\x82\xa4user\xdb\xff\xff\xff\xff"), []byte("{}"), []byte("\xdf\xff\xff\xff\xff"),
		[]byte("\xc1crm\x01E\x00\x00\x00\x00\x00\x00\x00\x00"), []byte("\xc1crm\x01M\x00\x00\x00\x00\x00\x00\x00\x00" + dead), []byte(strings.Repeat("\x91", 300)),
	} {
		f.Add(data)
	}
	o := unlogged()
	o.MaxPerUser = 2
	probe := sitetest.New(f, o)
	probe.Browser(f).OK(loginAs("ada"))
	key, _ := userRecord(f, probe)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<13 {
			return
		}
		for _, sealed := range []bool{false, true} {
			o, planted := o, data
			if sealed {
				o.RecordKeys = [][]byte{[]byte(oldKey)}
				sealer, err := seal.New([]byte(oldKey))
				if err != nil {
					t.Fatal(err)
				}
				planted = sealer.Seal(nil, data, key)
			}
			s := sitetest.New(t, o)
			other := s.Begin(t, map[string]any{"name": "bob"})
			s.PlantData(t, key, string(planted))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			devices, err := s.Manager.Devices(t.Context(), "ada")
			if err != nil && !errors.Is(err, cloakroom.ErrUnavailable) {
				t.Errorf("Devices: %v", err)
			}
			if len(devices) > 0 {
				t.Errorf("there are %d devices, and nobody was logged in", len(devices))
			}
			b := s.Browser(t)
			a := b.Visit(loginAs("ada"))
			if a.OK() == (err != nil) {
				t.Errorf("Devices: %v, a login: %v", err, a)
			}
			if err != nil {
				if r, err := s.Store.Unwrap().Load(t.Context(), key); err != nil || string(r.Data) != string(planted) {
					t.Error("what cannot be read was not left alone")
				}
				if len(a.SetCookie) > 0 {
					t.Error("a ticket went out")
				}
			}
			if failed := s.Manager.RevokeUser(t.Context(), "ada"); (failed == nil) != (err == nil) {
				t.Errorf("Devices: %v, RevokeUser: %v", err, failed)
			}
			b.OK(is(t, "after the revocation", ""))
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20+uint64(len(data))*10_000 {
				t.Errorf("%d bytes took %d", len(data), used)
			}
			if other.Values()["name"] != "bob" {
				t.Error("somebody else's session is gone")
			}
		}
	})
}
