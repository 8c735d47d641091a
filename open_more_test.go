package cloakroom_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/seal"
)

// After a Commit nothing is pending, and the next one builds on it.
func TestCommitLeavesNothingPending(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	session := mustOpen(t, s, "")
	for name, change := range map[string]func(){
		"Set":          func() { setUser(session) },
		"Update":       func() { cloakroom.Key[int]("n").Update(session, func(n int) int { return n + 1 }) },
		"Delete":       func() { session.Set("x", 1); mustCommit(t, s, session); session.Delete("x") },
		"SetPermanent": func() { session.Set("x", 1); session.SetPermanent(!session.Permanent()) },
		"Flash":        func() { session.Flash("a", "b") },
		"Flashes":      func() { session.Flash("a", "b"); mustCommit(t, s, session); session.Flashes() },
		"Clear":        func() { session.Set("x", 1); mustCommit(t, s, session); session.Clear() },
	} {
		change()
		s.store.since()
		if !session.Modified() {
			t.Errorf("%s: not Modified before Commit", name)
		}
		mustCommit(t, s, session)
		if session.Modified() {
			t.Errorf("%s: Modified after Commit", name)
		}
		want(t, name+": store calls", s.store.since(), "Save")
		mustCommit(t, s, session)
		want(t, name+": store calls of a Commit without changes", s.store.since())
	}
}

func TestLifetimeCountsFromTheFirstCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSite(t, cloakroom.Options{Lifetime: time.Hour})
		session := mustOpen(t, s, "")
		session.Set("x", 0)
		ticket := mustCommit(t, s, session)
		for i := range 5 {
			time.Sleep(10 * time.Minute)
			session.Set("x", i)
			mustCommit(t, s, session)
		}
		if left := time.Until(session.Expires()); left != 10*time.Minute {
			t.Errorf("Expires in %v", left)
		}
		time.Sleep(10 * time.Minute)
		if !mustOpen(t, s, ticket).IsNew() {
			t.Error("the session lives on")
		}
	})
}

func TestCommitTouchesOnceAndNoticesTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSite(t, cloakroom.Options{})
		session := mustOpen(t, s, "")
		setUser(session)
		ticket := mustCommit(t, s, session)
		time.Sleep(10 * time.Minute)
		s.store.since()
		mustCommit(t, s, session)
		mustCommit(t, s, session)
		want(t, "store calls", s.store.since(), "Touch")
		time.Sleep(10 * time.Minute)
		other := mustOpen(t, s, ticket)
		other.Destroy()
		mustCommit(t, s, other)
		if left := mustCommit(t, s, session); left != "" || !session.IsNew() {
			t.Error("the session was destroyed elsewhere, and has a ticket")
		}
	})
}

// Browsers forget a cookie after 400 days. A session that may live longer has
// it sent again when its expiry moves on.
func TestPermanentCookieWithoutLimitIsRenewed(t *testing.T) {
	for name, c := range map[string]struct {
		opts cloakroom.Options
		want int
	}{
		"no lifetime, permanent":     {cloakroom.Options{Lifetime: cloakroom.NoLimit, Permanent: true}, 1},
		"no lifetime, browser-lived": {cloakroom.Options{Lifetime: cloakroom.NoLimit}, 0},
		"a lifetime, permanent":      {cloakroom.Options{Permanent: true}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newLocalSite(t, c.opts).browser(t)
			b.ok(setUser)
			time.Sleep(10 * time.Minute)
			a := b.ok(func(s *cloakroom.Session) { s.Len() })
			if len(a.cookies) != c.want || c.want > 0 && !strings.Contains(a.cookies[0], "Max-Age=34560000") {
				t.Errorf("%s: Set-Cookie %q", name, a.cookies)
			}
		})
	}
}

func TestDestroyRemovesADeadCookie(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	a := s.ask(t, "__Host-session="+dead, (*cloakroom.Session).Destroy)
	if len(a.cookies) != 1 || !strings.HasPrefix(a.cookies[0], "__Host-session=;") {
		t.Errorf("Set-Cookie %q", a.cookies)
	}
}

// Sealed by our key, and yet no session: another program has the key, too, or
// a later version of this one.
func TestSealedPayloadThatMakesNoSense(t *testing.T) {
	sealer, err := seal.New(cookieKey)
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
		s := newLocalSealedSite(t, cloakroom.Options{})
		ticket := base64url(sealer.Seal(nil, []byte(payload), "cloakroom cookie\x00__Host-session"))
		s.ask(t, "__Host-session="+ticket, func(s *cloakroom.Session) {
			if s.IsNew() != (event != "Loaded") || s.Err() != nil {
				t.Errorf("%d bytes: IsNew %v, Err %v", len(payload), s.IsNew(), s.Err())
			}
		})
		if events := s.log.events(); len(events) == 0 || events[0] != event {
			t.Errorf("%d bytes: events %q, want %s", len(payload), events, event)
		}
	}
}

// stubborn is a codec that cannot write numbers with a fraction.
type stubborn struct{ codec.Codec }

func (*stubborn) Name() string           { return "stubborn" }
func (*stubborn) Match(data []byte) bool { return false }
func (c *stubborn) Marshal(dst []byte, v any) ([]byte, error) {
	if _, ok := v.(float64); ok {
		return dst, codec.ErrType
	}
	return c.Codec.Marshal(dst, v)
}

// The record has to stay in a codec that cannot say the new value: an error,
// rather than a value that is another one afterwards.
func TestValueThatTheRecordsCodecCannotSay(t *testing.T) {
	s, key := plainSite(t, &stubborn{codec.MsgPack})
	s.plantJSON(t, key, `{"pi":3.14}`)
	s.use(t, func(s *cloakroom.Session) { s.Set("text", "fits") })
	want(t, "record", []string{string(s.records(t)[key].Data)}, `{"pi":3.14,"text":"fits"}`)
	a := s.ask(t, "__Host-session="+dead, func(s *cloakroom.Session) { s.Set("bytes", []byte(hush)) })
	if lines := s.log.lines(); a.StatusCode != http.StatusInternalServerError || len(lines) != 1 || !strings.Contains(lines[0], "which other values in it need") {
		t.Errorf("status %d, logged %q", a.StatusCode, lines)
	}
	want(t, "record", []string{string(s.records(t)[key].Data)}, `{"pi":3.14,"text":"fits"}`)
}
