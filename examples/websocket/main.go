// Websocket is a conversation over a WebSocket that keeps its count in the session,
// and ends when the visitor logs out in another tab.
package main

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log"
	"net/http"

	"github.com/coder/websocket"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store/memstore"
)

const messages = cloakroom.Key[int]("messages")

func main() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{Insecure: true}) // no TLS on localhost
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("localhost:8080", sessions.Handler(pages())))
}

func pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", home)
	mux.HandleFunc("POST /login", logIn)
	mux.HandleFunc("POST /logout", logOut)
	mux.HandleFunc("GET /talk", talk)
	return http.NewCrossOriginProtection().Handler(mux)
}

// talk answers each message until the session has ended.
func talk(w http.ResponseWriter, r *http.Request) {
	s := cloakroom.From(r)
	user := s.User()
	if user == "" {
		http.Error(w, "Log in first.", http.StatusUnauthorized)
		return
	}
	done := s.Done()
	conn, err := websocket.Accept(w, r, nil) // which refuses pages of other sites
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	go func() {
		select {
		case <-done:
			goodbye(conn, s)
		case <-ctx.Done():
		}
	}()
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return
		}
		messages.Update(s, func(n int) int { return n + 1 })
		switch err := s.Save(); {
		case errors.Is(err, cloakroom.ErrEnded):
			goodbye(conn, s)
			return
		case err != nil: // it is in the log, and the next Save tries again
		}
		n, _ := messages.Get(s)
		if err := conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, "%s, message %d: %s", user, n, text)); err != nil {
			return
		}
	}
}

// goodbye closes a connection whose session has ended. After a login in another tab
// the page may connect again, with the new cookie.
func goodbye(conn *websocket.Conn, s *cloakroom.Session) {
	if errors.Is(s.Ended(), cloakroom.ErrMoved) {
		conn.Close(websocket.StatusServiceRestart, "You have logged in again.")
		return
	}
	conn.Close(websocket.StatusPolicyViolation, "You are logged out.")
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
<title>WebSocket</title>
{{if .}}
<p id="answer">Say something; or open this page in a second tab, and log out there.</p>
<form id="say"><input name="text" aria-label="Message" required> <button>Say it</button></form>
<form method="post" action="/logout"><button>Log out</button></form>
<script>
	const answer = document.getElementById("answer"), say = document.getElementById("say");
	let socket;
	function connect() {
		socket = new WebSocket(location.href.replace(/^http/, "ws") + "talk");
		socket.onmessage = (event) => { answer.textContent = event.data; };
		socket.onclose = (event) => {
			if (event.code === 1012) { setTimeout(connect, 1000); return; } // a login in another tab, whose cookie is on its way
			answer.textContent = event.reason || "The connection is gone.";
		};
	}
	connect();
	say.onsubmit = (event) => { event.preventDefault(); socket.send(say.text.value); say.reset(); };
</script>
{{else}}
<form method="post" action="/login"><input name="name" aria-label="Name" required> <button>Log in</button></form>
{{end}}
`))
