package cloakroom_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store"
)

// hush begins the values that these tests put into sessions: it must not turn
// up in any log or error.
const hush = "hush-"

// A journal collects the log and the events of a Manager. At the end of the
// test it makes sure that no ticket, store key or value is among them.
type journal struct {
	mu      sync.Mutex
	text    bytes.Buffer // everything, for the search
	logged  []string     // messages of the log
	happens []happening
	secrets []string
	spy     *spy
}

type happening struct {
	name string
	cloakroom.Event
}

func newJournal(t *testing.T) *journal {
	j := &journal{}
	t.Cleanup(func() { j.checkSecrets(t) })
	return j
}

// secret notes a text that must not turn up.
func (j *journal) secret(s string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(s) > 8 {
		j.secrets = append(j.secrets, s)
	}
}

func (j *journal) checkSecrets(t *testing.T) {
	if j.spy != nil {
		for _, call := range j.spy.all() {
			j.secret(call.key)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range append(j.secrets, hush) {
		if strings.Contains(j.text.String(), s) {
			t.Errorf("a log or an error contains a ticket, a store key or a value:\n%s", j.text.String())
			return
		}
	}
}

func (j *journal) logger() *slog.Logger { return slog.New(journalHandler{j}) }

type journalHandler struct{ *journal }

func (journalHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h journalHandler) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h journalHandler) WithGroup(string) slog.Handler          { return h }
func (h journalHandler) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	h.logged = append(h.logged, line)
	fmt.Fprintln(&h.text, line)
	return nil
}

// listen makes the hooks write into the journal, and calls those that the test
// has set.
func (j *journal) listen(h *cloakroom.Hooks) {
	for name, hook := range map[string]*func(context.Context, cloakroom.Event){
		"Created": &h.Created, "Loaded": &h.Loaded, "Saved": &h.Saved, "Conflict": &h.Conflict,
		"Touched": &h.Touched, "Regenerated": &h.Regenerated, "Destroyed": &h.Destroyed,
		"Rejected": &h.Rejected, "Undecodable": &h.Undecodable, "Error": &h.Error,
	} {
		own := *hook
		*hook = func(ctx context.Context, e cloakroom.Event) {
			j.mu.Lock()
			j.happens = append(j.happens, happening{name, e})
			fmt.Fprintf(&j.text, "%s %+v\n", name, e)
			j.mu.Unlock()
			if own != nil {
				own(ctx, e)
			}
		}
	}
}

// events returns the names of the events since the last call.
func (j *journal) events() []string {
	var names []string
	for _, h := range j.take() {
		names = append(names, h.name)
	}
	return names
}

// take returns the events since the last call.
func (j *journal) take() []happening {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := j.happens
	j.happens = nil
	return out
}

// lines returns what has been logged since the last call.
func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := j.logged
	j.logged = nil
	return out
}

// A spy is a store that notes what it is asked.
type spy struct {
	store.Store
	mu    sync.Mutex
	calls []call
	seen  int
}

type call struct{ op, key string }

func (s *spy) note(op, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call{op, key})
}

func (s *spy) all() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// since returns the operations since the last call.
func (s *spy) since() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ops []string
	for _, c := range s.calls[s.seen:] {
		ops = append(ops, c.op)
	}
	s.seen = len(s.calls)
	return ops
}

func (s *spy) Load(ctx context.Context, key string) (store.Record, error) {
	s.note("Load", key)
	return s.Store.Load(ctx, key)
}

func (s *spy) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	s.note("Save", key)
	return s.Store.Save(ctx, key, prev, next)
}

func (s *spy) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	s.note("Touch", key)
	return s.Store.Touch(ctx, key, prev, expires)
}

func (s *spy) Delete(ctx context.Context, key string) error {
	s.note("Delete", key)
	return s.Store.Delete(ctx, key)
}

// want fails unless got and want are the same texts.
func want(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}
