package frameworks_test

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/cloakroom/cloakroom"
)

// chi has no error handler: its handlers call one.
func chiRoutes(r chi.Router) {
	for path, handler := range paths {
		r.Get(path, handler)
	}
	r.Get("/pay", func(w http.ResponseWriter, r *http.Request) { refused(w, r, errPay) })
}

func chiAround(m *cloakroom.Manager) http.Handler {
	r := chi.NewRouter()
	r.Use(quiet, middleware.Recoverer, middleware.Compress(5))
	chiRoutes(r)
	return m.Handler(r)
}

func chiWithin(m *cloakroom.Manager) http.Handler {
	r := chi.NewRouter()
	r.Use(quiet, middleware.Recoverer, m.Handler, middleware.Recoverer)
	chiRoutes(r)
	return r
}

// quiet keeps chi's recovery from printing stack traces.
func quiet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), middleware.LogEntryCtxKey, silence{})))
	})
}

type silence struct{}

func (silence) Write(int, int, http.Header, time.Duration, any) {}

func (silence) Panic(any, []byte) {}
