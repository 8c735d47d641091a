package cloakroom_test

import (
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A stream of events. The session is loaded, and its cookie sent, before the first
// Flush. What it counts is saved by the way, and it ends when the visitor logs out
// in another tab. examples/events has the page for it, examples/websocket the same
// with a WebSocket.
func ExampleSession_Done() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	const sent = cloakroom.Key[int]("sent")
	news, ended := make(chan string), make(chan bool)
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Login("user-42")
	})
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		done := s.Done()
		w.Header().Set("Content-Type", "text/event-stream")
		out := http.NewResponseController(w)
		for {
			select {
			case text := <-news:
				sent.Update(s, func(n int) int { return n + 1 })
				if err := s.Save(); errors.Is(err, cloakroom.ErrEnded) {
					continue // to Done, which is closed by now
				}
				fmt.Fprintf(w, "data: %s\n\n", text)
				if err := out.Flush(); err != nil {
					return
				}
			case <-done:
				fmt.Println("the stream ends:", s.Ended())
				ended <- true
				return
			case <-r.Context().Done():
				return
			}
		}
	})
	mux.HandleFunc("/sent", func(w http.ResponseWriter, r *http.Request) {
		n, _ := sent.Get(cloakroom.From(r))
		fmt.Fprint(w, n)
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Destroy()
	})

	b := cloakroomtest.NewBrowser(sessions.Handler(mux))
	b.Get("/login")
	go b.Get("/events")
	news <- "It rains."
	news <- "The sun is out again."
	news <- "Good night."
	fmt.Println("two or three are saved:", b.Get("/sent").Body >= "2")
	b.Get("/logout")
	<-ended
	// Output:
	// two or three are saved: true
	// the stream ends: the session has ended
}
