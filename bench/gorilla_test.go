package bench

import (
	"net/http"
	"testing"

	"github.com/gorilla/sessions"
)

var hashKey, blockKey = randomKey(), randomKey()

func gorillaTargets() []target {
	return []target{
		{store: "cookie", lib: "gorilla-signed", open: func(_ testing.TB, s size) app {
			return gorillaPages(sessions.NewCookieStore(hashKey), s)
		}},
		{store: "cookie", lib: "gorilla-encrypted", open: func(_ testing.TB, s size) app {
			return gorillaPages(sessions.NewCookieStore(hashKey, blockKey), s)
		}},
		{store: "file", lib: "gorilla", open: func(tb testing.TB, s size) app {
			st := sessions.NewFilesystemStore(tb.TempDir(), hashKey)
			st.MaxLength(0) // 4096 bytes otherwise
			return gorillaPages(st, s)
		}},
	}
}

// gorillaPages has no middleware, because gorilla has none: a page that does
// not ask for its session calls nothing of it.
func gorillaPages(st sessions.Store, size size) app {
	items, sum, extra := size.list(), size.quantity(), size.extra()
	get := func(r *http.Request) *sessions.Session {
		s, _ := st.Get(r, sessionID)
		return s
	}
	p := pages{}
	handle := func(name page, f http.HandlerFunc) { p[name] = f }
	handle(pageUntouched, func(w http.ResponseWriter, r *http.Request) { w.Write(yes) })
	handle(pageRead, func(w http.ResponseWriter, r *http.Request) {
		user, _ := get(r).Values["user"].(string)
		w.Write(verdict(user == userName))
	})
	handle(pageWrite, func(w http.ResponseWriter, r *http.Request) {
		s := get(r)
		n, ok := s.Values["visits"].(int)
		s.Values["visits"] = n + 1
		err := s.Save(r, w)
		w.Write(verdict(ok && err == nil))
	})
	handle(pageCreate, func(w http.ResponseWriter, r *http.Request) {
		s := get(r)
		s.Values["user"] = userName
		s.Values["account"] = account
		s.Values["visits"] = visits
		s.Values["admin"] = admin
		s.Values["theme"] = theme
		if len(items) > 0 {
			s.Values["items"] = items
		}
		for name, value := range extra {
			s.Values[name] = value
		}
		err := s.Save(r, w)
		w.Write(verdict(err == nil))
	})
	handle(pageItems, func(w http.ResponseWriter, r *http.Request) {
		items, _ := get(r).Values["items"].([]Item)
		w.Write(verdict(quantity(items) == sum))
	})
	handle(pageVisits, func(w http.ResponseWriter, r *http.Request) {
		n, _ := get(r).Values["visits"].(int)
		w.Write(number(n))
	})
	return p
}
