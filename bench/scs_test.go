package bench

import (
	"net/http"
	"testing"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
)

func scsTargets() []target {
	return []target{{store: "memory", lib: "scs", open: openSCS}}
}

// openSCS leaves the idle timeout off, as is scs's default: with one, scs
// would write the session back on every request.
func openSCS(_ testing.TB, size size) app {
	st := memstore.NewWithCleanupInterval(0) // its sweep cannot be ended without a data race
	m := scs.New()
	m.Store = st
	m.Cookie.Name = sessionID

	items, sum, extra := size.list(), size.quantity(), size.extra()
	p := pages{}
	handle := func(name page, f http.HandlerFunc) { p[name] = m.LoadAndSave(f) }
	handle(pageUntouched, func(w http.ResponseWriter, r *http.Request) { w.Write(yes) })
	handle(pageRead, func(w http.ResponseWriter, r *http.Request) {
		w.Write(verdict(m.GetString(r.Context(), "user") == userName))
	})
	handle(pageWrite, func(w http.ResponseWriter, r *http.Request) {
		n := m.GetInt(r.Context(), "visits")
		m.Put(r.Context(), "visits", n+1)
		w.Write(verdict(n > 0))
	})
	handle(pageCreate, func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		m.Put(ctx, "user", userName)
		m.Put(ctx, "account", account)
		m.Put(ctx, "visits", visits)
		m.Put(ctx, "admin", admin)
		m.Put(ctx, "theme", theme)
		if len(items) > 0 {
			m.Put(ctx, "items", items)
		}
		for name, value := range extra {
			m.Put(ctx, name, value)
		}
		w.Write(yes)
	})
	handle(pageItems, func(w http.ResponseWriter, r *http.Request) {
		items, _ := m.Get(r.Context(), "items").([]Item)
		w.Write(verdict(quantity(items) == sum))
	})
	handle(pageVisits, func(w http.ResponseWriter, r *http.Request) {
		w.Write(number(m.GetInt(r.Context(), "visits")))
	})
	return p
}
