package cloakroom_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// An ErrorHandler that forgets to answer must not turn a failure into a 200.
func TestErrorHandlerThatWritesNothing(t *testing.T) {
	faulty := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Err: errors.New("down")})
	called := false
	m, err := cloakroom.New(faulty, cloakroom.Options{
		Insecure:     true,
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { called = true },
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "session=0123456789012345678901234567890123456789012")
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Get("user")
	})).ServeHTTP(w, r)
	if !called || w.Code != http.StatusServiceUnavailable {
		t.Errorf("ErrorHandler called: %v, status %d, want 503", called, w.Code)
	}
}

// A middleware within may recover from a panic in a function given to Update
// that runs again while the session is saved. What the handler wrote is not
// saved then, so it must not go out.
func TestPanicWhileSavingDropsTheAnswer(t *testing.T) {
	s := memstore.New(memstore.Options{})
	m, err := cloakroom.New(s, cloakroom.Options{Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	const n = cloakroom.Key[int]("n")
	session, _ := m.Open(t.Context(), "")
	n.Set(session, 1)
	ticket, err := m.Commit(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "session="+string(ticket))
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.Write([]byte("recovered"))
			}
		}()
		runs := 0
		n.Update(cloakroom.From(r), func(i int) int {
			if runs++; runs > 1 {
				panic("not again")
			}
			return i + 1
		})
		other, _ := m.Open(r.Context(), ticket) // another request is faster
		n.Set(other, 7)
		if _, err := m.Commit(r.Context(), other); err != nil {
			t.Error(err)
		}
		w.Write([]byte("all is well"))
	})).ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError {
		t.Errorf("status %d, body %q, want 500", w.Code, w.Body)
	}
}

// Logged out means logged out, also for who can read the record again later.
func TestDestroyOfAnUndecodableRecord(t *testing.T) {
	s := memstore.New(memstore.Options{})
	keys := [][]byte{[]byte("0123456789abcdefghijklmnopqrstuv")}
	sealed, err := cloakroom.New(s, cloakroom.Options{Insecure: true, RecordKeys: keys})
	if err != nil {
		t.Fatal(err)
	}
	keyless, err := cloakroom.New(s, cloakroom.Options{Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	session, _ := sealed.Open(t.Context(), "")
	session.Set("user", "ada")
	ticket, err := sealed.Commit(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/logout", nil)
	r.Header.Set("Cookie", "session="+string(ticket))
	w := httptest.NewRecorder()
	keyless.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Destroy()
	})).ServeHTTP(w, r)
	if got, err := sealed.Open(t.Context(), ticket); err != nil || got.Has("user") {
		t.Errorf("the session is open again after its logout (%v)", err)
	}
	if len(w.Result().Cookies()) != 1 || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Error("the cookie was not removed")
	}
	for e, err := range s.List(t.Context(), "") {
		t.Errorf("a record is left: %d bytes, %v", len(e.Record.Data), err)
	}
	_ = store.Close(s)
}
