package cloakroom_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
)

// A pair of sites where requests pass the Managers of both.
func newPair(t *testing.T) (outer, inner *site) {
	t.Helper()
	inner = newLocalSite(t, cloakroom.Options{CookieName: "__Host-shop-session", KeyPrefix: "shop:"})
	outer = newLocalSite(t, cloakroom.Options{})
	outer.inner = inner.m.Handler
	outer.listen(t, false)
	return outer, inner
}

func useBoth(outer, inner *site, use func(outer, inner *cloakroom.Session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		use(outer.m.From(r), inner.m.From(r))
		io.WriteString(w, "done")
	}
}

func TestSeveralManagersInOneRequest(t *testing.T) {
	outer, inner := newPair(t)
	b := outer.browser(t)
	a := b.get("/", func(w http.ResponseWriter, r *http.Request) {
		if cloakroom.From(r) != inner.m.From(r) || cloakroom.From(r) == outer.m.From(r) {
			t.Error("From is not the innermost Manager's session")
		}
		outer.m.From(r).Set("who", "outer")
		inner.m.From(r).Set("who", "inner")
		io.WriteString(w, "done")
	})
	if len(a.cookies) != 2 || len(a.Header["Vary"]) != 1 || a.body != "done" {
		t.Errorf("Set-Cookie %q, Vary %q, body %q", a.cookies, a.Header["Vary"], a.body)
	}
	b.get("/", useBoth(outer, inner, func(o, i *cloakroom.Session) {
		if o.Get("who") != "outer" || i.Get("who") != "inner" {
			t.Errorf("outer %v, inner %v", o.Get("who"), i.Get("who"))
		}
	}))
}

func TestInnerManagerFailsAlone(t *testing.T) {
	outer, inner := newPair(t)
	b := outer.browser(t)
	inner.fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: errRefused})
	a := b.get("/", useBoth(outer, inner, func(o, i *cloakroom.Session) { setUser(o); setUser(i) }))
	if a.StatusCode != http.StatusServiceUnavailable || a.body != page503 {
		t.Errorf("status %d, body %q", a.StatusCode, a.body)
	}
	if len(a.cookies) != 1 || !strings.HasPrefix(a.cookies[0], "__Host-session=") {
		t.Errorf("Set-Cookie %q, want the outer Manager's", a.cookies)
	}
	if len(outer.records(t)) != 1 || len(inner.records(t)) != 0 {
		t.Errorf("%d and %d records", len(outer.records(t)), len(inner.records(t)))
	}
}

// The inner session has a new ID and its old one is gone: its cookie has to
// reach the visitor whatever happens to the outer session.
func TestOuterManagerFailsAlone(t *testing.T) {
	outer, inner := newPair(t)
	b := outer.browser(t)
	b.get("/", useBoth(outer, inner, func(o, i *cloakroom.Session) { setUser(o); setUser(i) }))
	outer.fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: errRefused})
	a := b.get("/", func(w http.ResponseWriter, r *http.Request) {
		outer.m.From(r).Set("lost", true)
		inner.m.From(r).Regenerate()
		w.Header().Add("Set-Cookie", "handler=1")
		io.WriteString(w, "dropped")
	})
	if a.StatusCode != http.StatusServiceUnavailable || a.body != page503 {
		t.Errorf("status %d, body %q", a.StatusCode, a.body)
	}
	if len(a.cookies) != 1 || !strings.HasPrefix(a.cookies[0], "__Host-shop-session=") {
		t.Errorf("Set-Cookie %q, want the inner Manager's", a.cookies)
	}
	b.get("/", useBoth(outer, inner, func(o, i *cloakroom.Session) {
		if o.Has("lost") || !o.Has("user") || !i.Has("user") {
			t.Errorf("outer has %q, inner has %q", o.Keys(), i.Keys())
		}
	}))
}

func TestBothManagersFail(t *testing.T) {
	outer, inner := newPair(t)
	outer.breakStore()
	inner.breakStore()
	a := outer.browser(t).get("/", useBoth(outer, inner, func(o, i *cloakroom.Session) { setUser(o); setUser(i) }))
	if a.StatusCode != http.StatusServiceUnavailable || a.body != page503 || len(a.cookies) != 0 {
		t.Errorf("status %d, body %q, Set-Cookie %q", a.StatusCode, a.body, a.cookies)
	}
	if !slices.Contains(outer.log.events(), "Error") || !slices.Contains(inner.log.events(), "Error") {
		t.Error("a failure was not reported")
	}
}

// Two Managers of one store and prefix, told apart by the cookie's name alone:
// a ticket of one must be worthless in the other (CVE-2022-46170).
func TestTicketOfAnotherCookieOpensNothing(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	other, err := cloakroom.New(s.store, cloakroom.Options{CookieName: "__Host-other", Logger: s.log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	session, err := other.Open(t.Context(), cloakroom.Ticket(b.ticket()))
	if err != nil || !session.IsNew() {
		t.Errorf("IsNew %v, error %v", session.IsNew(), err)
	}
}
