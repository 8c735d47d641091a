package edge_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A pair of sites where requests pass the Managers of both.
func newPair(t *testing.T) (outer, inner *sitetest.Site) {
	t.Helper()
	inner = sitetest.New(t, cloakroom.Options{CookieName: "__Host-shop-session", KeyPrefix: "shop:"})
	outer = sitetest.New(t, cloakroom.Options{})
	outer.Inner = inner.Manager.Handler
	outer.Listen(t, false)
	return outer, inner
}

func useBoth(outer, inner *sitetest.Site, use func(outer, inner *cloakroom.Session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		use(outer.Manager.From(r), inner.Manager.From(r))
		io.WriteString(w, "done")
	}
}

func TestSeveralManagersInOneRequest(t *testing.T) {
	outer, inner := newPair(t)
	b := outer.Browser(t)
	a := b.Get("/", func(w http.ResponseWriter, r *http.Request) {
		if cloakroom.From(r) != inner.Manager.From(r) || cloakroom.From(r) == outer.Manager.From(r) {
			t.Error("From is not the innermost Manager's session")
		}
		outer.Manager.From(r).Set("who", "outer")
		inner.Manager.From(r).Set("who", "inner")
		io.WriteString(w, "done")
	})
	if len(a.SetCookie) != 2 || len(a.Header["Vary"]) != 1 || a.Body != "done" {
		t.Errorf("Set-Cookie %q, Vary %q, body %q", a.SetCookie, a.Header["Vary"], a.Body)
	}
	b.Get("/", useBoth(outer, inner, func(o, i *cloakroom.Session) {
		if o.Get("who") != "outer" || i.Get("who") != "inner" {
			t.Errorf("outer %v, inner %v", o.Get("who"), i.Get("who"))
		}
	}))
}

// Each would put its cookie over the other's: that is said at the first request,
// rather than found out by visitors who are logged out.
func TestManagersWithOneNameAreRefused(t *testing.T) {
	type transports = []cloakroom.Transport
	bearer, cookie := cloakroom.TransportBearer, cloakroom.TransportCookie
	for name, c := range map[string]struct {
		outer, inner cloakroom.Options
		says         string // empty: they get along
	}{
		"one cookie":                      {cloakroom.Options{}, cloakroom.Options{}, "the cookie __Host-session"},
		"one cookie, another path":        {cloakroom.Options{CookieName: "x"}, cloakroom.Options{CookieName: "x", Path: "/y"}, "the cookie x"},
		"names of another case":           {cloakroom.Options{CookieName: "x"}, cloakroom.Options{CookieName: "X"}, ""},
		"one bearer":                      {cloakroom.Options{Transport: transports{bearer}}, cloakroom.Options{Transport: transports{cookie, bearer}}, "the header Session-Ticket"},
		"one header":                      {cloakroom.Options{Transport: transports{"a-b"}}, cloakroom.Options{Transport: transports{bearer, "A-B"}}, "the header A-B"},
		"one header for the answer":       {cloakroom.Options{Transport: transports{bearer}}, cloakroom.Options{Transport: transports{"Session-Ticket"}}, "the header Session-Ticket"},
		"one cookie beside the bearer":    {cloakroom.Options{Transport: transports{bearer, cookie}}, cloakroom.Options{}, "the cookie __Host-session"},
		"one name, but one has no cookie": {cloakroom.Options{Transport: transports{bearer}}, cloakroom.Options{}, ""},
		"two headers":                     {cloakroom.Options{Transport: transports{"A"}}, cloakroom.Options{Transport: transports{"B"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.inner.KeyPrefix = "inner:"
			var handled []error
			c.inner.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
				handled = append(handled, err)
				if cloakroom.From(r).Err() == nil {
					t.Error("the inner session has not failed")
				}
				http.Error(w, "misconfigured", http.StatusInternalServerError)
			}
			outer, inner := sitetest.New(t, c.outer), sitetest.New(t, c.inner)
			outer.Inner = func(next http.Handler) http.Handler {
				next = inner.Manager.Handler(next)
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					sitetest.SetUser(outer.Manager.From(r))
					next.ServeHTTP(w, r)
				})
			}
			entered := false
			a := outer.Browser(t).Get("/", func(w http.ResponseWriter, r *http.Request) {
				entered = true
				sitetest.SetUser(inner.Manager.From(r))
				io.WriteString(w, "done")
			})
			for _, name := range []string{"Session-Ticket", "A", "B"} {
				outer.Log.Secret(a.Header.Get(name))
			}
			if c.says == "" {
				if !a.OK() || len(handled) != 0 {
					t.Errorf("answered %v, error %v", a, handled)
				}
				return
			}
			if entered || a.StatusCode != http.StatusInternalServerError || len(handled) != 1 || !strings.Contains(handled[0].Error(), c.says) {
				t.Errorf("answered %v, entered %t, errors %v", a, entered, handled)
			}
			if lines := inner.Log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], c.says) {
				t.Errorf("log %q", lines)
			}
			sitetest.Equal(t, "events of the inner Manager", inner.Log.Events(), "Error")
			sitetest.Equal(t, "calls of the inner Manager", inner.Calls())
			if len(outer.Records(t)) != 1 {
				t.Error("the outer session is not saved")
			}
		})
	}
}

// A Manager that is met again in between is still the same.
func TestManagerAroundAnotherIsNotRefused(t *testing.T) {
	outer, inner := newPair(t)
	outer.Inner = func(next http.Handler) http.Handler {
		return inner.Manager.Handler(outer.Manager.Handler(inner.Manager.Handler(next)))
	}
	a := outer.Browser(t).Get("/", useBoth(outer, inner, func(o, i *cloakroom.Session) { sitetest.SetUser(o); sitetest.SetUser(i) }))
	if !a.OK() || len(a.SetCookie) != 2 {
		t.Errorf("answered %v, Set-Cookie %q", a, a.SetCookie)
	}
}

func TestInnerManagerFailsAlone(t *testing.T) {
	outer, inner := newPair(t)
	b := outer.Browser(t)
	inner.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: sitetest.ErrRefused})
	a := b.Get("/", useBoth(outer, inner, func(o, i *cloakroom.Session) { sitetest.SetUser(o); sitetest.SetUser(i) }))
	if a.StatusCode != http.StatusServiceUnavailable || a.Body != sitetest.Page503 {
		t.Errorf("status %d, body %q", a.StatusCode, a.Body)
	}
	if len(a.SetCookie) != 1 || !strings.HasPrefix(a.SetCookie[0], "__Host-session=") {
		t.Errorf("Set-Cookie %q, want the outer Manager's", a.SetCookie)
	}
	if len(outer.Records(t)) != 1 || len(inner.Records(t)) != 0 {
		t.Errorf("%d and %d records", len(outer.Records(t)), len(inner.Records(t)))
	}
}

// The inner session has a new ID and its old one is gone: its cookie has to
// reach the visitor whatever happens to the outer session.
func TestOuterManagerFailsAlone(t *testing.T) {
	outer, inner := newPair(t)
	b := outer.Browser(t)
	b.Get("/", useBoth(outer, inner, func(o, i *cloakroom.Session) { sitetest.SetUser(o); sitetest.SetUser(i) }))
	outer.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: sitetest.ErrRefused})
	a := b.Get("/", func(w http.ResponseWriter, r *http.Request) {
		outer.Manager.From(r).Set("lost", true)
		inner.Manager.From(r).Regenerate()
		w.Header().Add("Set-Cookie", "handler=1")
		io.WriteString(w, "dropped")
	})
	if a.StatusCode != http.StatusServiceUnavailable || a.Body != sitetest.Page503 {
		t.Errorf("status %d, body %q", a.StatusCode, a.Body)
	}
	if len(a.SetCookie) != 1 || !strings.HasPrefix(a.SetCookie[0], "__Host-shop-session=") {
		t.Errorf("Set-Cookie %q, want the inner Manager's", a.SetCookie)
	}
	b.Get("/", useBoth(outer, inner, func(o, i *cloakroom.Session) {
		if o.Has("lost") || !o.Has("user") || !i.Has("user") {
			t.Errorf("outer has %q, inner has %q", o.Keys(), i.Keys())
		}
	}))
}

// The cookie of the innermost passes every Manager around it.
func TestOutermostOfThreeManagersFails(t *testing.T) {
	open := func(name string) *cloakroom.Manager {
		m, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{CookieName: name})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	outermost := sitetest.New(t, cloakroom.Options{})
	middle, inner := open("__Host-middle"), open("__Host-inner")
	outermost.Inner = func(next http.Handler) http.Handler { return middle.Handler(inner.Handler(next)) }
	outermost.BreakStore()
	a := outermost.Browser(t).Get("/", func(w http.ResponseWriter, r *http.Request) {
		outermost.Manager.From(r).Set("user", "ada")
		inner.From(r).Set("user", "ada")
		io.WriteString(w, "dropped")
	})
	if a.StatusCode != http.StatusServiceUnavailable || len(a.SetCookie) != 1 || !strings.HasPrefix(a.SetCookie[0], "__Host-inner=") {
		t.Errorf("status %d, Set-Cookie %q, want the inner Manager's with the error page", a.StatusCode, a.SetCookie)
	}
}

func TestBothManagersFail(t *testing.T) {
	outer, inner := newPair(t)
	outer.BreakStore()
	inner.BreakStore()
	a := outer.Browser(t).Get("/", useBoth(outer, inner, func(o, i *cloakroom.Session) { sitetest.SetUser(o); sitetest.SetUser(i) }))
	if a.StatusCode != http.StatusServiceUnavailable || a.Body != sitetest.Page503 || len(a.SetCookie) != 0 {
		t.Errorf("status %d, body %q, Set-Cookie %q", a.StatusCode, a.Body, a.SetCookie)
	}
	if !slices.Contains(outer.Log.Events(), "Error") || !slices.Contains(inner.Log.Events(), "Error") {
		t.Error("a failure was not reported")
	}
}

// Two Managers of one store and prefix, told apart by the cookie's name alone:
// a ticket of one must be worthless in the other (CVE-2022-46170).
func TestTicketOfAnotherCookieOpensNothing(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Known(t)
	other, err := cloakroom.New(s.Store, cloakroom.Options{CookieName: "__Host-other", Logger: s.Log.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	session, err := other.Open(t.Context(), cloakroom.Ticket(b.Ticket()))
	if err != nil || !session.IsNew() {
		t.Errorf("IsNew %v, error %v", session.IsNew(), err)
	}
}
