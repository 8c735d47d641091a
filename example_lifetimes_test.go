package cloakroom_test

import (
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Remember me for 30 days, otherwise 30 minutes without use, and administrators for
// 8 hours at most. The page docs/lifetimes.md says what else can be had.
func ExampleSession_SetLifetime() {
	const month = 30 * 24 * time.Hour
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{
		AnonymousIdle:  10 * time.Minute, // nobody has logged in
		MaxIdleTimeout: month,            // the most that a session may get
		MaxLifetime:    month,
	})
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		// After a look at the password:
		user, remember, admin := r.FormValue("user"), r.FormValue("remember") != "", r.FormValue("user") == "root"

		idle, life := cloakroom.DefaultIdleTimeout, cloakroom.DefaultLifetime
		if remember {
			idle, life = month, month
		}
		if admin {
			life = min(life, 8*time.Hour)
			idle = min(idle, life)
		}
		s := cloakroom.From(r)
		s.Login(user)
		s.SetPermanent(remember)
		s.SetIdleTimeout(idle)
		s.SetLifetime(life)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		user := cloakroom.From(r).User()
		if user == "" {
			fmt.Fprintln(w, "Please log in.")
			return
		}
		devices, err := sessions.Devices(r.Context(), user)
		if err != nil {
			http.Error(w, "no list of devices just now", http.StatusServiceUnavailable)
			return
		}
		for _, d := range devices {
			fmt.Fprintf(w, "%s: %v without use, %v in all.\n", user, d.IdleTimeout, d.Lifetime)
		}
	})

	for _, form := range []map[string][]string{
		{"user": {"ada"}},
		{"user": {"bob"}, "remember": {"yes"}},
		{"user": {"root"}, "remember": {"yes"}},
	} {
		b := cloakroomtest.NewBrowser(sessions.Handler(mux))
		fmt.Print(b.PostForm("/login", form).Body)
		b.Restart()
		fmt.Print("  After a restart of the browser: ", b.Get("/").Body)
	}
	// Output:
	// ada: 30m0s without use, 24h0m0s in all.
	//   After a restart of the browser: Please log in.
	// bob: 720h0m0s without use, 720h0m0s in all.
	//   After a restart of the browser: bob: 720h0m0s without use, 720h0m0s in all.
	// root: 8h0m0s without use, 8h0m0s in all.
	//   After a restart of the browser: root: 8h0m0s without use, 8h0m0s in all.
}
