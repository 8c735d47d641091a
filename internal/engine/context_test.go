package engine_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// seeing is a store that shows the contexts of its calls.
type seeing struct {
	store.Store
	see func(ctx context.Context, saves bool)
}

func (s seeing) Load(ctx context.Context, key string) (store.Record, error) {
	s.see(ctx, false)
	return s.Store.Load(ctx, key)
}

func (s seeing) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	s.see(ctx, true)
	return s.Store.Save(ctx, key, prev, next)
}

// What the context of a store's call says is what a context with a timeout
// would say, whether the store waits for it or not.
func TestContextOfStoreCalls(t *testing.T) {
	type traceKey struct{}
	for _, waits := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			records := sitetest.Memory(t)
			ticket := sitetest.NewOn(t, records, cloakroom.Options{}).Known(t).Ticket()
			parent, hangUp := context.WithTimeout(context.WithValue(t.Context(), traceKey{}, "trace"), time.Second)
			defer hangUp()
			var all []context.Context
			s := sitetest.NewOn(t, seeing{records, func(ctx context.Context, saves bool) {
				all = append(all, ctx)
				left := cloakroom.DefaultStoreTimeout // the request's own deadline ends nothing
				if waits {
					ctx.Done()
				}
				if d, ok := ctx.Deadline(); !ok || time.Until(d) != left {
					t.Errorf("saves %t, waits %t: %v left, want %v", saves, waits, time.Until(d), left)
				}
				if ctx.Value(traceKey{}) != "trace" || ctx.Err() != nil {
					t.Errorf("saves %t, waits %t: the value is %v, Err %v", saves, waits, ctx.Value(traceKey{}), ctx.Err())
				}
			}}, cloakroom.Options{})
			b := s.Holder(t, ticket)
			b.Send(b.Request("/").WithContext(parent), sitetest.Using(sitetest.Set("name", "eve")))
			if len(all) != 2 {
				t.Errorf("%d calls, want 2", len(all))
			}
			for i, ctx := range all {
				// Nothing waits for the timeout any more.
				if waits && ctx.Err() == nil {
					t.Errorf("call %d: the context is still at work after the request", i)
				}
			}
		})
	}
}

// A visitor who hangs up, and a deadline around the site, are not the store's
// fault: the session is loaded and saved all the same.
func TestLoadGoesOnWithoutTheVisitor(t *testing.T) {
	for name, leave := range goodbyes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sitetest.New(t, cloakroom.Options{})
				b := s.Known(t)
				s.Log.Events()
				ctx, hangUp := context.WithTimeout(t.Context(), time.Second)
				defer hangUp()
				a, err := b.Send(b.Request("/").WithContext(ctx), sitetest.Using(func(session *cloakroom.Session) {
					leave(hangUp)
					session.Set("after", true)
				}))
				if err != nil || !a.OK() {
					t.Errorf("got %v, %v", a, err)
				}
				sitetest.Equal(t, "events", s.Log.Events(), "Loaded", "Saved")
				sitetest.Equal(t, "logged", s.Log.Lines())
				if b.Values()["after"] != true {
					t.Error("the change is lost")
				}
			})
		})
	}
}

var goodbyes = map[string]func(hangUp func()){
	"the visitor hangs up": func(hangUp func()) { hangUp() },
	"a deadline passes":    func(func()) { time.Sleep(2 * time.Second) },
}

// A new ticket that nobody gets would make an orphan of the session: a login
// that is not answered has not happened, and what the visitor had is untouched.
func TestNobodyToHandTheTicketTo(t *testing.T) {
	for name, leave := range goodbyes {
		for act, use := range map[string]func(*cloakroom.Session){
			"login":          func(s *cloakroom.Session) { s.Regenerate(); s.Set("user", "eve") },
			"a new session":  sitetest.Set("user", "eve"),
			"logout, login":  func(s *cloakroom.Session) { s.Destroy(); s.Set("user", "eve") },
			"a sealed login": func(s *cloakroom.Session) { s.Regenerate(); s.Set("user", "eve") },
			"a sealed value": sitetest.Set("user", "eve"),
		} {
			t.Run(name+", "+act, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := sitetest.New(t, cloakroom.Options{})
					if strings.HasPrefix(act, "a sealed") {
						s = sitetest.NewSealed(t, cloakroom.Options{}, sitetest.CookieKey)
					}
					b := s.Browser(t)
					if act != "a new session" {
						b = s.Known(t)
					}
					before := b.Ticket()
					s.Log.Events()
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					a, err := b.Send(b.Request("/").WithContext(ctx), sitetest.Using(func(session *cloakroom.Session) {
						use(session)
						leave(cancel)
					}))
					if err != nil || a.StatusCode != http.StatusServiceUnavailable {
						t.Errorf("got %v, %v, want 503", a, err)
					}
					if events := s.Log.Events(); !slices.Contains(events, "Error") {
						t.Errorf("events %q, want that the hook hears of it", events)
					}
					lines := s.Log.Lines()
					if name == "a deadline passes" {
						if len(lines) != 1 || !strings.Contains(lines[0], "TimeoutHandler") {
							t.Errorf("logged %q, want advice", lines)
						}
					} else if len(lines) != 0 {
						t.Errorf("logged %q: nobody is at fault", lines)
					}
					if act == "logout, login" {
						if b.Ticket() != "" || len(s.Records(t)) != 0 {
							t.Error("the logout has not happened")
						}
						return
					}
					if b.Ticket() != before || before != "" && b.Values()["user"] != sitetest.Hush+"ada" {
						t.Error("the visitor has lost what he had")
					}
				})
			})
		}
	}
}

// Outside of requests the changes are kept, for another try.
func TestCommitWithAContextThatIsDone(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	session := s.Open(t, "")
	sitetest.SetUser(session)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ticket, err := s.Manager.Commit(ctx, session); !errors.Is(err, context.Canceled) || ticket != "" {
		t.Errorf("Commit without anybody to hand the ticket to: %v", err)
	}
	ticket := s.Commit(t, session)
	session = s.Open(t, ticket)
	sitetest.Has(t, "after another Commit", true)(session)
	session.Set("more", true)
	if again, err := s.Manager.Commit(ctx, session); err != nil || string(again) != ticket {
		t.Errorf("Commit that needs no new ticket: %v", err)
	}
	if s.Values(t, ticket)["more"] != true {
		t.Error("the change is lost")
	}
}
