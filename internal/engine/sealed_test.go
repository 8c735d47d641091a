package engine_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/seal"
)

func TestSealedRoundTrip(t *testing.T) {
	s := sitetest.NewSealed(t, cloakroom.Options{})
	s.Listen(t, false)
	b := s.Browser(t)
	b.OK(func(s *cloakroom.Session) { sitetest.SetUser(s); s.Flash("a", "b") })
	if strings.Contains(b.Ticket(), "ada") {
		t.Error("the data can be read in the cookie")
	}
	b.OK(func(s *cloakroom.Session) {
		if got, _ := sitetest.User.Get(s); got != sitetest.Hush+"ada" || len(s.Flashes()) != 1 || s.IsNew() {
			t.Errorf("user %q, IsNew %v", got, s.IsNew())
		}
	})
	sitetest.Equal(t, "Set-Cookie of a request that reads", b.OK(sitetest.Has(t, "third", true)).SetCookie)
	b.OK(func(s *cloakroom.Session) { sitetest.Flashes(t, "shown already", s.Flashes()) })
}

func TestSealedHandle(t *testing.T) {
	s := sitetest.NewSealed(t, cloakroom.Options{})
	b := s.Browser(t)
	var handles []string
	note := func(s *cloakroom.Session) { handles = append(handles, s.Handle()) }
	b.OK(func(s *cloakroom.Session) { note(s); sitetest.SetUser(s) })
	b.OK(func(s *cloakroom.Session) { note(s); s.Set("x", 1) })
	b.OK(func(s *cloakroom.Session) { note(s); s.Regenerate() })
	b.OK(note)
	if handles[0] != "" || len(handles[1]) != 16 || handles[2] != handles[1] || handles[3] == handles[2] {
		t.Errorf("handles: %q: want none, one that stays with a change, and another one after Regenerate", handles)
	}
}

func TestSealedDestroy(t *testing.T) {
	s := sitetest.NewSealed(t, cloakroom.Options{})
	b := s.Known(t)
	if a := b.OK((*cloakroom.Session).Destroy); len(a.SetCookie) != 1 || b.Ticket() != "" {
		t.Errorf("Set-Cookie %q", a.SetCookie)
	}
	b.OK(sitetest.Has(t, "after Destroy", false))
}

func TestSealedTampering(t *testing.T) {
	s := sitetest.NewSealed(t, cloakroom.Options{})
	b := s.Known(t)
	good := b.Ticket()
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
		s.Ask(t, "__Host-session="+ticket, sitetest.Has(t, "changed ticket", false))
	}
	s.Ask(t, "__Host-session="+good, sitetest.Has(t, "the ticket itself", true))
}

func TestSealedKeysRotate(t *testing.T) {
	old, next, third := []byte("the old key, of 32 bytes or so .."), []byte("the new key, of 32 bytes or so .."), []byte("a third key, of 32 bytes or so ..")
	first := sitetest.NewSealed(t, cloakroom.Options{}, old)
	b := first.Known(t)
	ticket := b.Ticket()
	both := sitetest.NewSealed(t, cloakroom.Options{}, next, old)
	both.Ask(t, "__Host-session="+ticket, sitetest.Has(t, "both keys", true))
	a := both.Ask(t, "__Host-session="+ticket, func(s *cloakroom.Session) { s.Set("x", 1) })
	resealed := a.Cookies()[0].Value
	sitetest.NewSealed(t, cloakroom.Options{}, next).Ask(t, "__Host-session="+resealed, sitetest.Has(t, "sealed anew", true))
	gone := sitetest.NewSealed(t, cloakroom.Options{}, next, third)
	gone.Ask(t, "__Host-session="+ticket, sitetest.Has(t, "the old key is gone", false))
	if events := gone.Log.Take(); len(events) != 1 || events[0].Name != "Rejected" || !errors.Is(events[0].Err, seal.ErrOpen) {
		t.Errorf("events: %v", events)
	}
}

func TestSealedTicketIsBoundToItsName(t *testing.T) {
	b := sitetest.NewSealed(t, cloakroom.Options{}).Browser(t)
	b.OK(sitetest.SetUser)
	for _, name := range []string{"__Host-other", "__Host-sezzion"} {
		other := sitetest.NewSealed(t, cloakroom.Options{CookieName: name})
		other.Ask(t, name+"="+b.Ticket(), sitetest.Has(t, "under the name "+name, false))
	}
}

// A sealed record is no sealed cookie, under the same key.
func TestSealedRecordIsNoTicket(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{RecordKeys: [][]byte{sitetest.CookieKey}})
	s.Known(t)
	sealed := sitetest.NewSealed(t, cloakroom.Options{})
	for _, r := range s.Records(t) {
		sealed.Ask(t, "__Host-session="+base64.RawURLEncoding.EncodeToString(r.Data), sitetest.Has(t, "a record as ticket", false))
	}
}

func TestSealedSessionsEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.NewSealed(t, cloakroom.Options{Lifetime: 2 * time.Hour})
		b := s.Known(t)
		kept := b.Ticket() // a thief's copy
		sent := 0
		for range 29 {
			time.Sleep(time.Minute)
			if a := b.OK(sitetest.Has(t, "in use", true)); len(a.SetCookie) > 0 {
				sent++
			}
		}
		if sent != 9 { // at most once in a tenth of 30 minutes
			t.Errorf("sealed anew %d times in 29 minutes", sent)
		}
		time.Sleep(time.Minute)
		s.Ask(t, "__Host-session="+kept, sitetest.Has(t, "a copy that was never sealed anew", false))
		b.OK(sitetest.Has(t, "in use", true))
		for range 89 {
			time.Sleep(time.Minute)
			b.OK(sitetest.Has(t, "in use", true))
		}
		time.Sleep(time.Minute)
		b.OK(sitetest.Has(t, "at the end of its lifetime", false))
	})
}

// Sealed by our key, and yet no session: another program has the key, too, or
// a later version of this one.
func TestSealedPayloadThatMakesNoSense(t *testing.T) {
	sealer, err := seal.New(sitetest.CookieKey)
	if err != nil {
		t.Fatal(err)
	}
	for payload, event := range map[string]string{
		"":       "Rejected",
		"short!": "Rejected",
		"\x00\x00\x10\x00\x00\x00\x00\x00" + "an ID...":                                                    "Undecodable",
		"\x00\x00\x10\x00\x00\x00\x00\x00" + "an ID..." + "{":                                              "Undecodable",
		"\x00\x00\x10\x00\x00\x00\x00\x00" + "an ID..." + "{}":                                             "Loaded",
		"\x00\x00\x10\x00\x00\x00\x00\x00" + "an ID..." + `{"larger":"` + strings.Repeat("x", 3100) + `"}`: "Rejected",
	} {
		s := sitetest.NewSealed(t, cloakroom.Options{})
		ticket := base64.RawURLEncoding.EncodeToString(sealer.Seal(nil, []byte(payload), "cloakroom cookie\x00__Host-session"))
		s.Ask(t, "__Host-session="+ticket, func(s *cloakroom.Session) {
			if s.IsNew() != (event != "Loaded") || s.Err() != nil {
				t.Errorf("%d bytes: IsNew %v, Err %v", len(payload), s.IsNew(), s.Err())
			}
		})
		if events := s.Log.Events(); len(events) == 0 || events[0] != event {
			t.Errorf("%d bytes: events %q, want %s", len(payload), events, event)
		}
	}
}
