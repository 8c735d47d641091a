// Package service is a small site with sessions. It is built with two releases of
// the library, so that it uses only what both of them have.
package service

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/redisstore"
)

// Openers open the stores that the site may keep its sessions in.
var Openers = store.Openers{"file": filestore.Open, "redis": redisstore.Open}

// An Answer is what the site says of a visitor's session, after what the request
// has done to it.
type Answer struct {
	User    string
	Steps   int
	Values  map[string]string
	Flashes []string // those that this request has taken out
}

const (
	user  = cloakroom.Key[string]("user")
	steps = cloakroom.Key[int]("steps")
	// valuePrefix begins the names of the values that visitors set.
	valuePrefix = "value "
)

// Run serves until the process is killed. Its arguments are flags.
func Run(args []string) error {
	var addr, address, key string
	var opts cloakroom.Options
	flags := flag.NewFlagSet("service", flag.ContinueOnError)
	flags.StringVar(&addr, "addr", "", "where to listen")
	flags.StringVar(&address, "store", "", "the store's URL")
	flags.StringVar(&key, "key", "", "seals the records")
	flags.DurationVar(&opts.IdleTimeout, "idle", 0, "Options.IdleTimeout")
	flags.DurationVar(&opts.Lifetime, "lifetime", 0, "Options.Lifetime")
	flags.BoolVar(&opts.Permanent, "permanent", false, "Options.Permanent")
	flags.Func("codec", "Options.Codec", func(name string) error {
		opts.Codec = map[string]codec.Codec{"json": codec.JSON, "msgpack": codec.MsgPack}[name]
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if key != "" {
		opts.RecordKeys = [][]byte{[]byte(key)}
	}
	opts.Insecure = true
	opts.StoreTimeout = time.Minute // nobody is to be turned away because a disk is slow
	s, err := Openers.Open(context.Background(), address)
	if err != nil {
		return err
	}
	sessions, err := cloakroom.New(s, opts)
	if err != nil {
		return err
	}
	h := &holds{byName: map[string]*hold{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/held", func(_ http.ResponseWriter, r *http.Request) { <-h.get(r.FormValue("name")).held })
	mux.HandleFunc("/let-go", func(_ http.ResponseWriter, r *http.Request) { close(h.get(r.FormValue("name")).letGo) })
	mux.Handle("/", sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r) })))
	return http.ListenAndServe(addr, mux)
}

// holds are the requests that have loaded their sessions and wait: one with the
// parameter hold=NAME, from when /held?name=NAME answers until
// /let-go?name=NAME is asked for.
type holds struct {
	mu     sync.Mutex
	byName map[string]*hold
}

type hold struct{ held, letGo chan struct{} }

func (h *holds) get(name string) *hold {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byName[name] == nil {
		h.byName[name] = &hold{make(chan struct{}), make(chan struct{})}
	}
	return h.byName[name]
}

func (h *holds) serve(w http.ResponseWriter, r *http.Request) {
	s := cloakroom.From(r)
	if name := r.FormValue("hold"); name != "" {
		s.Has("") // loads it
		close(h.get(name).held)
		<-h.get(name).letGo
	}
	a := Answer{Values: map[string]string{}}
	switch r.URL.Path {
	case "/set":
		s.Set(valuePrefix+r.FormValue("name"), r.FormValue("value"))
	case "/step":
		steps.Update(s, func(n int) int { return n + 1 })
	case "/flash":
		s.Flash("message", r.FormValue("value"))
	case "/flashes":
		for _, f := range s.Flashes() {
			a.Flashes = append(a.Flashes, f.Message)
		}
	case "/login":
		s.Regenerate()
		user.Set(s, r.FormValue("value"))
	case "/logout":
		s.Destroy()
	}
	a.User, _ = user.Get(s)
	a.Steps, _ = steps.Get(s)
	for _, name := range s.Keys() {
		if visitors, ok := strings.CutPrefix(name, valuePrefix); ok {
			a.Values[visitors], _ = cloakroom.Key[string](name).Get(s)
		}
	}
	json.NewEncoder(w).Encode(a)
}
