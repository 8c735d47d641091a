package cloakroom_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// What a user's sessions hold, for a request about data protection.
func ExampleManager_Export() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	const theme = cloakroom.Key[string]("theme")
	b := cloakroomtest.NewBrowser(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		s.Login("user-42")
		theme.Set(s, "dark")
		s.Flash("success", "Welcome.")
	})))
	b.Get("/")

	text, err := sessions.Export(context.Background(), "user-42") // the whole of it, with times
	if err != nil {
		log.Fatal(err)
	}
	var export struct {
		User     string
		Sessions []struct {
			Values  map[string]any
			Flashes []cloakroom.Flash
		}
	}
	if err := json.Unmarshal(text, &export); err != nil {
		log.Fatal(err)
	}
	for _, s := range export.Sessions {
		fmt.Println(export.User, s.Values)
		for _, f := range s.Flashes {
			fmt.Printf("not shown yet: %s (%s)\n", f.Message, f.Category)
		}
	}
	// Output:
	// user-42 map[theme:dark]
	// not shown yet: Welcome. (success)
}
