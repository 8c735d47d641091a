package cloakroom_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// A ticket that was encoded as "[redacted]" would be kept in place of the real
// one.
func TestTicketsAreNotEncoded(t *testing.T) {
	const secret = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"
	ticket := cloakroom.Ticket(secret)
	for name, v := range map[string]any{
		"a ticket":         ticket,
		"a pointer":        &ticket,
		"the empty one":    cloakroom.Ticket(""),
		"in a list":        []cloakroom.Ticket{ticket},
		"in an any":        map[string]any{"ticket": ticket},
		"in a field":       struct{ T cloakroom.Ticket }{ticket},
		"behind a pointer": struct{ T *cloakroom.Ticket }{&ticket},
		"as a string": struct {
			T cloakroom.Ticket `json:"t,string"`
		}{ticket},
	} {
		b, err := json.Marshal(v)
		if err == nil || !strings.Contains(err.Error(), "cloakroom.Ticket") || !strings.Contains(err.Error(), "set it to string(t)") || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %s, %v, want an error that says what to do", name, b, err)
		}
	}
	type page struct{ T cloakroom.Ticket }
	if _, err := xml.Marshal(page{ticket}); err == nil || !strings.Contains(err.Error(), "string(t)") {
		t.Errorf("XML: %v", err)
	}
	on := struct{ T string }{string(ticket)}
	if b, err := json.Marshal(on); err != nil || !strings.Contains(string(b), secret) {
		t.Errorf("on purpose: %s, %v", b, err)
	}
	// What a client sends is read.
	var back struct{ T cloakroom.Ticket }
	if err := json.Unmarshal([]byte(`{"T":"`+secret+`"}`), &back); err != nil || back.T != ticket {
		t.Errorf("read: %v, the same: %t", err, back.T == ticket)
	}
	// The comment of Ticket warns of this: methods of a string are not asked here.
	if b, err := json.Marshal(map[cloakroom.Ticket]int{ticket: 1}); err != nil || !strings.Contains(string(b), secret) {
		t.Errorf("as the key of a map: %s, %v: the comment of Ticket is out of date", b, err)
	}
}

func TestTicketOfASession(t *testing.T) {
	for kind, s := range map[string]*sitetest.Site{
		"on a store": sitetest.New(t, cloakroom.Options{}),
		"sealed":     sitetest.NewSealed(t, cloakroom.Options{}),
	} {
		sealed := kind == "sealed"
		b := s.Browser(t)
		is := func(what string, session *cloakroom.Session, want string) {
			t.Helper()
			if got := string(session.Ticket()); got != want {
				t.Errorf("%s, %s: %d bytes, want %d", kind, what, len(got), len(want))
			}
		}
		b.OK(func(session *cloakroom.Session) {
			is("without a session", session, "")
			sitetest.SetUser(session)
			is("before the first save", session, "")
		})
		b.OK(func(session *cloakroom.Session) { is("of a visitor", session, b.Ticket()) })
		b.OK(func(session *cloakroom.Session) {
			session.Set("x", 1)
			if sealed {
				is("after a change", session, "")
			} else {
				is("after a change", session, b.Ticket())
			}
		})
		b.OK(func(session *cloakroom.Session) {
			session.Regenerate()
			is("after Regenerate", session, "")
		})
		b.OK(func(session *cloakroom.Session) {
			if sealed {
				return // no logins to be revoked
			}
			before := string(session.Ticket())
			session.Login("user-42")
			is("after Login", session, "")
			if err := session.Save(); err != nil || session.Ticket() == "" || string(session.Ticket()) == before {
				t.Errorf("after Save: %v, a new ticket: %t", err, string(session.Ticket()) != before)
			}
		})
		b.Get("/", func(w http.ResponseWriter, r *http.Request) {
			session := cloakroom.From(r)
			session.Regenerate()
			io.WriteString(w, "saved")
			if line := w.Header().Get("Set-Cookie"); !strings.Contains(line, string(session.Ticket())) || session.Ticket() == "" {
				t.Errorf("%s: not the new ticket after the save", kind)
			}
		})
		b.OK(func(session *cloakroom.Session) {
			session.Destroy()
			is("after Destroy", session, "")
		})
		if s.Store == nil {
			continue
		}
		known := s.Known(t)
		opened := s.Open(t, known.Ticket())
		is("opened", opened, known.Ticket())
		is("dead", s.Open(t, sitetest.Dead), "")
		s.BreakStore()
		known.Visit(func(session *cloakroom.Session) { is("store down", session, "") })
	}
}

// The attributes of the line of Set-Cookie that a request would get, in any
// order.
func attributes(line string) map[string]bool {
	set := map[string]bool{}
	for part := range strings.SplitSeq(line, ";") {
		set[strings.TrimSpace(part)] = true
	}
	return set
}

func TestCookieIsTheOneOfAnAnswer(t *testing.T) {
	for name, opts := range map[string]cloakroom.Options{
		"defaults":  {},
		"permanent": {Permanent: true},
		"embedded":  {SameSite: http.SameSiteNoneMode, Partitioned: true, Permanent: true},
		"domain":    {Domain: ".Example.com", Path: "/app", SameSite: http.SameSiteStrictMode},
		"scripts":   {ScriptAccess: true, Insecure: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sitetest.New(t, opts)
				s.URL = "https://www.example.com/app"
				b := s.Browser(t)
				same := func(what string, c *http.Cookie, line string) {
					t.Helper()
					got, want := attributes(c.String()), attributes(line)
					if len(got) != len(want) {
						t.Errorf("%s: %d attributes, want %d", what, len(got), len(want))
					}
					for part := range want {
						if !got[part] && !strings.HasPrefix(part, opts.CookieName+"=") {
							t.Errorf("%s: not %q", what, part)
						}
					}
				}
				a := b.OK(sitetest.SetUser)
				session := s.Open(t, b.Ticket())
				same("set", s.Manager.Cookie(session), a.SetCookie[0])
				a = b.OK(func(s *cloakroom.Session) { s.SetPermanent(!s.Permanent()) })
				session = s.Open(t, b.Ticket())
				same("permanence changed", s.Manager.Cookie(session), a.SetCookie[0])

				// Regenerate and Destroy change it once they are committed.
				before := s.Manager.Cookie(session).Value
				session.Regenerate()
				if s.Manager.Cookie(session).Value != before {
					t.Error("another ticket before the Commit")
				}
				if ticket := s.Commit(t, session); s.Manager.Cookie(session).Value != ticket || ticket == before {
					t.Error("not the ticket that Commit has returned")
				}
				session.Destroy()
				s.Commit(t, session)
				b = s.Known(t)
				a = b.OK((*cloakroom.Session).Destroy)
				same("removed", s.Manager.Cookie(session), a.SetCookie[0])
				same("none", s.Manager.Cookie(nil), a.SetCookie[0])
				same("never saved", s.Manager.Cookie(s.Open(t, "")), a.SetCookie[0])
			})
		})
	}
}

func TestCookieOfASessionThatOpenDidNotReturn(t *testing.T) {
	s, other := sitetest.New(t, cloakroom.Options{}), sitetest.New(t, cloakroom.Options{})
	s.Browser(t).OK(func(session *cloakroom.Session) {
		if c := s.Manager.Cookie(session); c != nil {
			t.Error("a cookie of a request's session")
		}
	})
	if c := s.Manager.Cookie(other.Open(t, "")); c != nil {
		t.Error("a cookie of another Manager's session")
	}
	rec := httptest.NewRecorder()
	http.SetCookie(rec, nil)
	if len(rec.Header()) != 0 {
		t.Errorf("http.SetCookie of nil: %q", rec.Header())
	}
	if lines := s.Log.Lines(); len(lines) != 2 || !strings.Contains(lines[0], "a request") || !strings.Contains(lines[1], "another Manager") {
		t.Errorf("log: %q", lines)
	}
}

func TestFromContext(t *testing.T) {
	outer := sitetest.New(t, cloakroom.Options{})
	inner := sitetest.New(t, cloakroom.Options{CookieName: "inner-session"})
	outer.Inner = inner.Manager.Handler
	type key struct{}
	outer.Browser(t).Get("/", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), key{}, 1))
		defer cancel()
		if s, ok := cloakroom.FromContext(ctx); !ok || s != inner.Manager.From(r) {
			t.Error("FromContext is not the innermost Manager's session")
		}
		for name, m := range map[string]*cloakroom.Manager{"outer": outer.Manager, "inner": inner.Manager} {
			if s, ok := m.FromContext(ctx); !ok || s != m.From(r) {
				t.Errorf("FromContext of the %s Manager is not its session", name)
			}
		}
		if s, ok := sitetest.New(t, cloakroom.Options{}).Manager.FromContext(ctx); ok || s != nil {
			t.Error("a session of a Manager that was not passed")
		}
	})
	if s, ok := cloakroom.FromContext(t.Context()); ok || s != nil {
		t.Error("a session without a request")
	}
	if s, ok := outer.Manager.FromContext(t.Context()); ok || s != nil {
		t.Error("a session of a Manager without a request")
	}
	sitetest.Equal(t, "store calls", append(outer.Calls(), inner.Calls()...))
}

// Looking at a session without a Commit does not keep it from ending.
func TestOpenWithoutCommitIsNoUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{})
		b := s.Known(t)
		s.Calls()
		for range 3 {
			sitetest.Has(t, "before the timeout", true)(s.Open(t, b.Ticket()))
			time.Sleep(cloakroom.DefaultIdleTimeout / 3)
		}
		sitetest.Has(t, "after the timeout", false)(s.Open(t, b.Ticket()))
		for _, call := range s.Calls() {
			if call != "Load" {
				t.Errorf("the store was asked to %s", call)
			}
		}
	})
}
