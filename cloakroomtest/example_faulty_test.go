package cloakroomtest_test

import (
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

var quiet = slog.New(slog.DiscardHandler)

// counter returns a Browser on a page that counts its visits, and the store of
// its sessions.
func counter() (*cloakroomtest.Browser, *cloakroomtest.Faulty) {
	return counterWithin(cloakroom.DefaultStoreTimeout)
}

func counterWithin(timeout time.Duration) (*cloakroomtest.Browser, *cloakroomtest.Faulty) {
	records := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	sessions, err := cloakroom.New(records, cloakroom.Options{Logger: quiet, StoreTimeout: timeout})
	if err != nil {
		log.Fatal(err)
	}
	const visits = cloakroom.Key[int]("visits")
	return cloakroomtest.NewBrowser(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		visits.Update(s, func(n int) int { return n + 1 })
		n, _ := visits.Get(s)
		fmt.Fprint(w, n)
	}))), records
}

// A store that is down, and comes back.
func ExampleFaulty() {
	b, records := counter()
	fmt.Println(b.Get("/").Body)
	records.Inject(cloakroomtest.Fault{Err: errors.New("connection refused")})
	fmt.Println(b.Get("/").StatusCode)
	records.Heal()
	fmt.Println(b.Get("/").Body)
	// Output:
	// 1
	// 503
	// 2
}

// The next save fails, and no other.
func ExampleFault_once() {
	b, records := counter()
	records.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: errors.New("disk full")})
	fmt.Println(b.Get("/").StatusCode, b.Get("/").StatusCode)
	// Output: 503 200
}

// A store that does not answer costs Options.StoreTimeout, here ten
// milliseconds.
func ExampleFault_hang() {
	b, records := counterWithin(10 * time.Millisecond)
	records.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Hang: true})
	fmt.Println(b.Get("/").StatusCode)
	// Output: 503
}

// Somebody else comes first, with three visits between the load and the save
// of a fourth. Before calls them; the conflict is the store's own.
func ExampleFault_conflict() {
	b, records := counter()
	b.Get("/")
	records.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Before: func() {
		records.Heal() // the others are not disturbed
		for range 3 {
			b.Get("/")
		}
	}})
	b.Get("/")
	fmt.Println(b.Get("/").Body)
	// Output: 6
}

// The save took effect, but its answer got lost: the visitor sees an error,
// and the step has been counted.
func ExampleFault_answerLost() {
	b, records := counter()
	fmt.Println(b.Get("/").Body)
	records.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, AnswerLost: true})
	fmt.Println(b.Get("/").StatusCode)
	fmt.Println(b.Get("/").Body)
	// Output:
	// 1
	// 503
	// 3
}

// Calls tells what a page costs.
func ExampleFaulty_Calls() {
	b, records := counter()
	b.Get("/")
	records.ForgetCalls()
	b.Get("/")
	for _, call := range records.Calls() {
		fmt.Println(call.Op)
	}
	// Output:
	// Load
	// Save
}
