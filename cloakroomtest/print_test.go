package cloakroomtest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/printtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

func TestNothingPrintsSecrets(t *testing.T) {
	const secret = "canary of a value, which is long"
	faulty := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	m, err := cloakroom.New(faulty, cloakroom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := cloakroomtest.NewBrowser(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Set("v", secret)
	})))
	ticket := b.Get("/").Cookies()[0].Value
	printtest.Silent(t, "*Browser", b, ticket, secret)
	printtest.Silent(t, "request", cloakroomtest.WithSession(httptest.NewRequest("GET", "/", nil), map[string]any{"v": secret}), secret)
	// What a Faulty prints are the keys of its calls: hashes here, as tests want to see.
	printtest.Silent(t, "*Faulty", faulty, ticket, secret)
}
