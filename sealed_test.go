package cloakroom_test

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

func has(t *testing.T, what string, want bool) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) {
		t.Helper()
		if got := s.Has("user"); got != want {
			t.Errorf("%s: the session is there: %v, want %v", what, got, want)
		}
	}
}

func TestSealedRoundTrip(t *testing.T) {
	s := newSealedSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(func(s *cloakroom.Session) { setUser(s); s.Flash("a", "b") })
	if strings.Contains(b.ticket(), "ada") {
		t.Error("the data can be read in the cookie")
	}
	b.ok(func(s *cloakroom.Session) {
		if got, _ := user.Get(s); got != hush+"ada" || len(s.Flashes()) != 1 || s.IsNew() {
			t.Errorf("user %q, IsNew %v", got, s.IsNew())
		}
	})
	want(t, "Set-Cookie of a request that reads", b.ok(has(t, "third", true)).cookies)
	b.ok(func(s *cloakroom.Session) { wantFlashes(t, "shown already", s.Flashes()) })
}

func TestSealedHandle(t *testing.T) {
	s := newSealedSite(t, cloakroom.Options{})
	b := s.browser(t)
	var handles []string
	note := func(s *cloakroom.Session) { handles = append(handles, s.Handle()) }
	b.ok(func(s *cloakroom.Session) { note(s); setUser(s) })
	b.ok(func(s *cloakroom.Session) { note(s); s.Set("x", 1) })
	b.ok(func(s *cloakroom.Session) { note(s); s.Regenerate() })
	b.ok(note)
	if handles[0] != "" || len(handles[1]) != 16 || handles[2] != handles[1] || handles[3] == handles[2] {
		t.Errorf("handles: %q: want none, one that stays with a change, and another one after Regenerate", handles)
	}
}

func TestSealedDestroy(t *testing.T) {
	s := newSealedSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	if a := b.ok((*cloakroom.Session).Destroy); len(a.cookies) != 1 || b.ticket() != "" {
		t.Errorf("Set-Cookie %q", a.cookies)
	}
	b.ok(has(t, "after Destroy", false))
}

func TestSealedTampering(t *testing.T) {
	s := newLocalSealedSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	good := b.ticket()
	flip := func(i int) string {
		c := byte('A')
		if good[i] == c {
			c = 'B'
		}
		return good[:i] + string(c) + good[i+1:]
	}
	bad := []string{good[:len(good)-1], good[1:], good + "A", good + "=", good[:20] + "\n" + good[20:], good + "\r\n", good[:4] + "=" + good[4:]}
	for i := range good {
		bad = append(bad, flip(i))
	}
	for _, ticket := range bad {
		s.ask(t, "__Host-session="+ticket, has(t, "changed ticket", false))
	}
	s.ask(t, "__Host-session="+good, has(t, "the ticket itself", true))
}

func TestSealedKeysRotate(t *testing.T) {
	old, next, third := []byte("the old key, of 32 bytes or so .."), []byte("the new key, of 32 bytes or so .."), []byte("a third key, of 32 bytes or so ..")
	first := newLocalSealedSite(t, cloakroom.Options{}, old)
	b := first.browser(t)
	b.ok(setUser)
	ticket := b.ticket()
	both := newLocalSealedSite(t, cloakroom.Options{}, next, old)
	both.ask(t, "__Host-session="+ticket, has(t, "both keys", true))
	a := both.ask(t, "__Host-session="+ticket, func(s *cloakroom.Session) { s.Set("x", 1) })
	resealed := a.Cookies()[0].Value
	newLocalSealedSite(t, cloakroom.Options{}, next).ask(t, "__Host-session="+resealed, has(t, "sealed anew", true))
	gone := newLocalSealedSite(t, cloakroom.Options{}, next, third)
	gone.ask(t, "__Host-session="+ticket, has(t, "the old key is gone", false))
	if events := gone.log.take(); len(events) != 1 || events[0].name != "Rejected" || !errors.Is(events[0].Err, seal.ErrOpen) {
		t.Errorf("events: %v", events)
	}
}

func TestSealedTicketIsBoundToItsName(t *testing.T) {
	b := newLocalSealedSite(t, cloakroom.Options{}).browser(t)
	b.ok(setUser)
	other := newLocalSealedSite(t, cloakroom.Options{CookieName: "__Host-other"})
	other.ask(t, "__Host-other="+b.ticket(), has(t, "under another name", false))
}

// A sealed record is no sealed cookie, under the same key.
func TestSealedRecordIsNoTicket(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{RecordKeys: [][]byte{cookieKey}})
	b := s.browser(t)
	b.ok(setUser)
	sealed := newLocalSealedSite(t, cloakroom.Options{})
	for _, r := range s.records(t) {
		sealed.ask(t, "__Host-session="+base64url(r.Data), has(t, "a record as ticket", false))
	}
}

func TestSealedSessionsEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSealedSite(t, cloakroom.Options{Lifetime: 2 * time.Hour})
		b := s.browser(t)
		b.ok(setUser)
		kept := b.ticket() // a thief's copy
		sent := 0
		for range 29 {
			time.Sleep(time.Minute)
			if a := b.ok(has(t, "in use", true)); len(a.cookies) > 0 {
				sent++
			}
		}
		if sent != 9 { // at most once in a tenth of 30 minutes
			t.Errorf("sealed anew %d times in 29 minutes", sent)
		}
		time.Sleep(time.Minute)
		s.ask(t, "__Host-session="+kept, has(t, "a copy that was never sealed anew", false))
		b.ok(has(t, "in use", true))
		for range 89 {
			time.Sleep(time.Minute)
			b.ok(has(t, "in use", true))
		}
		time.Sleep(time.Minute)
		b.ok(has(t, "at the end of its lifetime", false))
	})
}

func TestSealedTooLarge(t *testing.T) {
	s := newSealedSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	a := b.visit(func(s *cloakroom.Session) { s.Set("x", strings.Repeat("x", 4000)) })
	events := s.log.take()
	err := events[len(events)-1].Err
	if a.StatusCode != http.StatusInternalServerError || len(a.cookies) != 0 || !errors.Is(err, cloakroom.ErrTooLarge) {
		t.Errorf("status %d, Set-Cookie %q, error %v", a.StatusCode, a.cookies, err)
	}
	for _, says := range []string{"bytes too many for the 4096 that browsers keep", "cloakroom.New"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("the error %q does not say %q", err, says)
		}
	}
	b.ok(has(t, "the session as it was", true))
}

// The same without HTTP, and what is too large can be made smaller.
func TestSealedTooLargeForCommit(t *testing.T) {
	s := newLocalSealedSite(t, cloakroom.Options{})
	session := mustOpen(t, s, "")
	session.Set("x", strings.Repeat("x", 4000))
	if ticket, err := s.m.Commit(t.Context(), session); ticket != "" || !errors.Is(err, cloakroom.ErrTooLarge) {
		t.Errorf("a ticket %v, error %v", ticket != "", err)
	}
	want(t, "events", s.log.events(), "Error")
	session.Set("x", "fits")
	if got := mustOpen(t, s, mustCommit(t, s, session)).Get("x"); got != "fits" {
		t.Errorf("the value is %v", got)
	}
}

// As large as it says it may be: name and value take 4096 bytes together.
func TestSealedSizeLimit(t *testing.T) {
	fits := func(n int) (bool, int) {
		s := newLocalSealedSite(t, cloakroom.Options{})
		b := s.browser(t)
		a := b.visit(func(s *cloakroom.Session) { s.Set("x", strings.Repeat("x", n)) })
		return a.StatusCode == http.StatusOK, len("__Host-session") + len(b.ticket())
	}
	largest := 0
	for n := 2900; n < 3100; n++ {
		ok, size := fits(n)
		if !ok {
			break
		}
		if largest = n; size > 4096 {
			t.Fatalf("a cookie of %d bytes", size)
		}
	}
	if _, size := fits(largest); largest < 2950 || size < 4094 {
		t.Errorf("the largest cookie has %d bytes, with a value of %d", size, largest)
	}
}

func TestRecordKeysSealTheStore(t *testing.T) {
	old, next := []byte("the old key, of 32 bytes or so .."), []byte("the new key, of 32 bytes or so ..")
	s := newLocalSite(t, cloakroom.Options{RecordKeys: [][]byte{old}, PlainIDs: true})
	b := s.browser(t)
	b.ok(setUser)
	b.ok(func(s *cloakroom.Session) { s.Set("n", 1) })
	b.ok(has(t, "its own key", true))
	id := b.ticket()
	record := s.records(t)["session:"+id]
	if bytes.Contains(record.Data, []byte("ada")) || bytes.Contains(record.Data, []byte("user")) {
		t.Error("the store can be read")
	}
	move := func(keys [][]byte, to string) (*site, store.Record) {
		s := newLocalSite(t, cloakroom.Options{RecordKeys: keys, PlainIDs: true})
		s.plant(t, "session:"+to, record)
		return s, record
	}
	both, _ := move([][]byte{next, old}, id)
	both.ask(t, "__Host-session="+id, func(s *cloakroom.Session) { has(t, "rotated", true)(s); s.Set("x", 1) })
	record = both.records(t)["session:"+id]
	newest, _ := move([][]byte{next}, id)
	newest.ask(t, "__Host-session="+id, has(t, "sealed anew", true))
	for what, c := range map[string]struct {
		keys [][]byte
		id   string
	}{
		"an unknown key":    {[][]byte{old}, id},
		"another store key": {[][]byte{next}, dead},
		"no key":            {nil, id},
	} {
		s, record := move(c.keys, c.id)
		s.ask(t, "__Host-session="+c.id, has(t, what, false))
		want(t, what+": events", s.log.events(), "Undecodable")
		if got := s.records(t)["session:"+c.id]; !slices.Equal(got.Data, record.Data) {
			t.Errorf("%s: the record was not left alone", what)
		}
	}
}
