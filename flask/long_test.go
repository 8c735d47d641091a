package flask_test

import (
	"errors"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// What Save has done the answer tells, as if it had been done with the answer.
func TestSaveWithFlask(t *testing.T) {
	for _, refresh := range []bool{true, false} {
		values := maps.Clone(inRedis)
		values["SESSION_REFRESH_EACH_REQUEST"] = refresh
		records := memstore.New(memstore.Options{})
		defer records.Close()
		m, err := flask.New(records, configured(t, values), quiet())
		if err != nil {
			t.Fatal(err)
		}
		use := func(ticket string, f func(*cloakroom.Session)) *http.Response {
			return serve(m, ticket, func(_ http.ResponseWriter, r *http.Request) {
				s := cloakroom.From(r)
				f(s)
				if err := s.Save(); err != nil {
					t.Errorf("Save: %v", err)
				}
			})
		}
		ticket := cookieOf(use("", func(s *cloakroom.Session) { s.Set("a", 1) }))
		if got := cookieOf(use(ticket, func(s *cloakroom.Session) { s.Set("a", 2) })); got != ticket || ticket == "" {
			t.Errorf("refresh %t: a change that Save has saved: the cookie is %q, want it again", refresh, got)
		}
		resp := use(ticket, (*cloakroom.Session).Clear)
		if got := resp.Cookies(); len(got) != 1 || got[0].MaxAge >= 0 {
			t.Errorf("refresh %t: a session that Save has emptied: cookies %v, want it removed", refresh, got)
		}
		if _, err := records.Load(t.Context(), "session:"+ticket); err == nil {
			t.Errorf("refresh %t: its record is there", refresh)
		}
	}
}

// Flask's records leave no mark: a session that is gone has ended.
func TestDoneWithFlask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := memstore.New(memstore.Options{})
		defer records.Close()
		m, err := flask.New(records, configured(t, inRedis), quiet())
		if err != nil {
			t.Fatal(err)
		}
		for name, end := range map[string]func(ticket string){
			"a logout in Go": func(ticket string) {
				serve(m, ticket, func(_ http.ResponseWriter, r *http.Request) { cloakroom.From(r).Destroy() })
			},
			"one that empties it": func(ticket string) {
				serve(m, ticket, func(_ http.ResponseWriter, r *http.Request) { cloakroom.From(r).Clear() })
			},
			"one in Python": func(ticket string) {
				if err := records.Delete(t.Context(), "session:"+ticket); err != nil {
					t.Error(err)
				}
				time.Sleep(cloakroom.DefaultWatchInterval)
			},
		} {
			ticket := cookieOf(serve(m, "", func(_ http.ResponseWriter, r *http.Request) { cloakroom.From(r).Set("a", 1) }))
			serve(m, ticket, func(_ http.ResponseWriter, r *http.Request) {
				s := cloakroom.From(r)
				done := s.Done()
				time.Sleep(time.Minute)
				select {
				case <-done:
					t.Errorf("%s: closed before", name)
				default:
				}
				end(ticket)
				synctest.Wait()
				select {
				case <-done:
				default:
					t.Errorf("%s: not closed", name)
				}
				if err := s.Ended(); !errors.Is(err, cloakroom.ErrEnded) || errors.Is(err, cloakroom.ErrMoved) {
					t.Errorf("%s: Ended: %v", name, err)
				}
			})
		}
	})
}
