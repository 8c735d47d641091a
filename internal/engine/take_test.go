package engine_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

const code = cloakroom.Key[string]("code")

// Of many concurrent requests one gets the value, and everybody's other changes
// stay.
func TestTakeGivesOnce(t *testing.T) {
	sitetest.EachStore(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		for range 20 {
			b := s.Begin(t, map[string]any{"code": "4711"})
			var got atomic.Int32
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					s.Holder(t, b.Ticket()).OK(func(session *cloakroom.Session) {
						sitetest.Count(session)
						if v, ok := code.Take(session); ok && v == "4711" {
							got.Add(1)
						}
						if _, ok := code.Take(session); ok || session.Has("code") {
							t.Error("it is still there")
						}
					})
				})
			}
			all.Wait()
			if n := got.Load(); n != 1 {
				t.Errorf("%d requests got the value", n)
			}
			b.OK(func(session *cloakroom.Session) {
				if n, _ := sitetest.Visits.Get(session); n != 8 || session.Has("code") {
					t.Errorf("%d visits of 8 were counted; the value is there: %t", n, session.Has("code"))
				}
			})
		}
	})
}

// The removal has been saved when Take returns, and nothing else has.
func TestTakeSavesAtOnce(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Begin(t, map[string]any{"code": "4711"})
	b.OK(func(session *cloakroom.Session) {
		session.Set("other", true)
		code.Take(session)
		values := s.Values(t, b.Ticket())
		if values["code"] != nil || values["other"] != nil {
			t.Errorf("the store has %v", values)
		}
	})
	sitetest.Equal(t, "after the request", values(b), "other=true")
}

func TestTakeWhatTheRequestHasSet(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	b.OK(func(session *cloakroom.Session) {
		code.Set(session, "4711")
		if v, ok := code.Take(session); !ok || v != "4711" {
			t.Errorf("Take: %q, %t", v, ok)
		}
		if _, ok := code.Take(session); ok {
			t.Error("a second Take gave it again")
		}
	})
	if b.Values()["code"] != nil {
		t.Error("it was saved")
	}
}

func TestTakeThatFails(t *testing.T) {
	t.Run("nothing there", func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{})
		a := s.Browser(t).OK(func(session *cloakroom.Session) {
			if _, ok := code.Take(session); ok {
				t.Error("Take gave something")
			}
		})
		if len(a.SetCookie) != 0 {
			t.Errorf("Set-Cookie %q", a.SetCookie)
		}
	})
	t.Run("another type", func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{})
		b := s.Begin(t, map[string]any{"code": 7})
		s.Log.Events()
		b.OK(func(session *cloakroom.Session) {
			if _, ok := code.Take(session); ok {
				t.Error("Take gave something")
			}
		})
		sitetest.Equal(t, "events", s.Log.Events(), "Loaded", "Error")
		sitetest.Equal(t, "session", values(b), "code=7")
	})
	t.Run("updated before", func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{})
		b := s.Begin(t, map[string]any{"code": "4711"})
		a := b.Visit(func(session *cloakroom.Session) {
			code.Update(session, func(c string) string { return c + "0" })
			if _, ok := code.Take(session); ok || !errors.Is(session.Err(), cloakroom.ErrUnsupported) {
				t.Errorf("Take gave something, or Err is %v", session.Err())
			}
		})
		if a.StatusCode != 500 {
			t.Errorf("got %v", a)
		}
		sitetest.Equal(t, "session", values(b), "code=4711")
	})
	t.Run("sealed cookies", func(t *testing.T) {
		s := sitetest.NewSealed(t, cloakroom.Options{})
		a := s.Begin(t, map[string]any{"code": "4711"}).Visit(func(session *cloakroom.Session) {
			if _, ok := code.Take(session); ok || !errors.Is(session.Err(), cloakroom.ErrUnsupported) {
				t.Errorf("Take gave something, or Err is %v", session.Err())
			}
		})
		if a.StatusCode != 500 {
			t.Errorf("got %v", a)
		}
	})
	for name, lost := range map[string]bool{"the store": false, "the answer is lost": true} {
		t.Run(name, func(t *testing.T) {
			s := sitetest.New(t, cloakroom.Options{})
			b := s.Begin(t, map[string]any{"code": "4711"})
			s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: sitetest.ErrRefused, AnswerLost: lost})
			a := b.Visit(func(session *cloakroom.Session) {
				if _, ok := code.Take(session); ok {
					t.Error("Take gave something that was not saved")
				}
			})
			if a.StatusCode != 503 {
				t.Errorf("got %v", a)
			}
		})
	}
	t.Run("after a logout elsewhere", func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{})
		b := s.Begin(t, map[string]any{"code": "4711"})
		b.OK(func(session *cloakroom.Session) {
			session.Len()
			s.Holder(t, b.Ticket()).OK(logOut)
			if _, ok := code.Take(session); ok {
				t.Error("Take gave a value of a session that had ended")
			}
			session.Set("more", true)
		})
		if n := len(s.Records(t)); n != 0 {
			t.Errorf("%d records", n)
		}
	})
}
