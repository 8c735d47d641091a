// Events is a page with a stream of events (SSE), which ends when its visitor logs
// out in another tab.
package main

import (
	"errors"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store/memstore"
)

func main() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{Insecure: true}) // no TLS on localhost
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("localhost:8080", sessions.Handler(pages(time.Second))))
}

// pages are the application's, with an event now and then.
func pages(every time.Duration) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", home)
	mux.HandleFunc("POST /login", logIn)
	mux.HandleFunc("POST /logout", logOut)
	mux.Handle("GET /events", events(every))
	return http.NewCrossOriginProtection().Handler(mux)
}

// events streams until the session has ended. It looks at the session once, so that
// the stream alone keeps nobody logged in.
func events(every time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		user := s.User()
		if user == "" {
			w.WriteHeader(http.StatusNoContent) // an EventSource does not come again
			return
		}
		done := s.Done()
		w.Header().Set("Content-Type", "text/event-stream")
		out := http.NewResponseController(w)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			fmt.Fprintf(w, "data: %s, it is %s.\n\n", user, time.Now().Format(time.TimeOnly))
			if out.Flush() != nil {
				return
			}
			select {
			case <-tick.C:
			case <-done:
				if errors.Is(s.Ended(), cloakroom.ErrMoved) { // a login in another tab
					return // and the EventSource comes again, with the new cookie
				}
				fmt.Fprint(w, "event: ended\ndata: You are logged out.\n\n")
				return
			case <-r.Context().Done():
				return
			}
		}
	}
}

// logIn takes everybody's word for the name: a real one checks a password.
func logIn(w http.ResponseWriter, r *http.Request) {
	if name := r.FormValue("name"); name != "" {
		cloakroom.From(r).Login(name)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func logOut(w http.ResponseWriter, r *http.Request) {
	cloakroom.From(r).Destroy()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func home(w http.ResponseWriter, r *http.Request) {
	if err := page.Execute(w, cloakroom.From(r).User()); err != nil {
		log.Print(err)
	}
}

var page = template.Must(template.New("home").Parse(`<!DOCTYPE html>
<title>Events</title>
{{if .}}
<p id="news">Open this page in a second tab, and log out there.</p>
<form method="post" action="/logout"><button>Log out</button></form>
<script>
	const news = document.getElementById("news");
	const source = new EventSource("/events");
	source.onmessage = (event) => { news.textContent = event.data; };
	source.addEventListener("ended", (event) => { news.textContent = event.data; source.close(); });
</script>
{{else}}
<form method="post" action="/login"><input name="name" aria-label="Name" required> <button>Log in</button></form>
{{end}}
`))
