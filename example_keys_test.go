package cloakroom_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A new key is rolled through a fleet in three steps, each of which is finished
// in all processes before the next one begins: append it, promote it to the
// front, drop the old one when nothing is sealed with it any more. Here one
// process stands for all.
func ExampleManager_CountKeys() {
	ctx := context.Background()
	records := memstore.New(memstore.Options{})
	defer records.Close()
	start := func(keys ...string) *cloakroom.Manager {
		var opts cloakroom.Options
		for _, key := range keys { // in a program: from a file or a secret manager
			opts.RecordKeys = append(opts.RecordKeys, []byte(key))
		}
		sessions, err := cloakroom.New(records, opts)
		if err != nil {
			log.Fatal(err)
		}
		return sessions
	}
	save := func(sessions *cloakroom.Manager, t cloakroom.Ticket) cloakroom.Ticket {
		s, err := sessions.Open(ctx, t)
		if err == nil {
			s.Set("page", 1)
			t, err = sessions.Commit(ctx, s)
		}
		if err != nil {
			log.Fatal(err)
		}
		return t
	}
	count := func(step string, sessions *cloakroom.Manager) {
		n, err := sessions.CountKeys(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(step, n.Keys)
	}
	old, next := strings.Repeat("old!", 8), strings.Repeat("new!", 8)

	ada, bob := save(start(old), ""), save(start(old), "")
	count("before:   ", start(old))
	count("appended: ", start(old, next))
	save(start(next, old), ada)
	count("promoted: ", start(next, old))
	save(start(next, old), bob)
	count("waited:   ", start(next, old))
	count("dropped:  ", start(next))
	// Output:
	// before:    [2]
	// appended:  [2 0]
	// promoted:  [1 1]
	// waited:    [2 0]
	// dropped:   [2]
}
