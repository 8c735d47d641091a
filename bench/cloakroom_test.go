package bench

import (
	"net/http"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/memstore"
)

func cloakroomTargets() []target {
	return []target{
		{store: "memory", lib: "cloakroom", open: openCloakroomMemory},
		{store: "cookie", lib: "cloakroom", open: openCloakroomCookie},
		{store: "file", lib: "cloakroom", open: func(tb testing.TB, s size) app {
			return openCloakroomFiles(tb, s, filestore.Options{})
		}},
		{store: "file", lib: "cloakroom-unsynced", open: func(tb testing.TB, s size) app {
			return openCloakroomFiles(tb, s, filestore.Options{Unsynced: true})
		}},
	}
}

// The requests are plain HTTP, so cookies have to be too. All else is default:
// hashed IDs, idle timeout, HttpOnly, SameSite.
var cloakroomOptions = cloakroom.Options{Insecure: true, CookieName: sessionID}

func openCloakroomMemory(tb testing.TB, s size) app {
	return openCloakroom(tb, s, memstore.New(memstore.Options{}))
}

func openCloakroomFiles(tb testing.TB, s size, o filestore.Options) app {
	files, err := filestore.New(tb.TempDir(), o)
	if err != nil {
		tb.Fatal(err)
	}
	return openCloakroom(tb, s, files)
}

func openCloakroom(tb testing.TB, s size, st interface {
	store.Store
	Close() error
}) app {
	tb.Cleanup(func() { st.Close() })
	m, err := cloakroom.New(st, cloakroomOptions)
	if err != nil {
		tb.Fatal(err)
	}
	return cloakroomPages(m, s)
}

func openCloakroomCookie(tb testing.TB, s size) app {
	m, err := cloakroom.NewCookie([][]byte{randomKey()}, cloakroomOptions)
	if err != nil {
		tb.Fatal(err)
	}
	return cloakroomPages(m, s)
}

const (
	keyUser    = cloakroom.Key[string]("user")
	keyAccount = cloakroom.Key[int]("account")
	keyVisits  = cloakroom.Key[int]("visits")
	keyAdmin   = cloakroom.Key[bool]("admin")
	keyTheme   = cloakroom.Key[string]("theme")
	keyItems   = cloakroom.Key[[]Item]("items")
)

func cloakroomPages(m *cloakroom.Manager, size size) app {
	items, sum, extra := size.list(), size.quantity(), size.extra()
	p := pages{}
	handle := func(name page, f http.HandlerFunc) { p[name] = m.Handler(f) }
	handle(pageUntouched, func(w http.ResponseWriter, r *http.Request) { w.Write(yes) })
	handle(pageRead, func(w http.ResponseWriter, r *http.Request) {
		user, _ := keyUser.Get(cloakroom.From(r))
		w.Write(verdict(user == userName))
	})
	handle(pageWrite, func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		n, ok := keyVisits.Get(s)
		keyVisits.Set(s, n+1)
		w.Write(verdict(ok))
	})
	handle(pageCreate, func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		keyUser.Set(s, userName)
		keyAccount.Set(s, account)
		keyVisits.Set(s, visits)
		keyAdmin.Set(s, admin)
		keyTheme.Set(s, theme)
		if len(items) > 0 {
			keyItems.Set(s, items)
		}
		for name, value := range extra {
			s.Set(name, value)
		}
		w.Write(verdict(s.Err() == nil))
	})
	handle(pageItems, func(w http.ResponseWriter, r *http.Request) {
		items, _ := keyItems.Get(cloakroom.From(r))
		w.Write(verdict(quantity(items) == sum))
	})
	handle(pageVisits, func(w http.ResponseWriter, r *http.Request) {
		n, _ := keyVisits.Get(cloakroom.From(r))
		w.Write(number(n))
	})
	return p
}
