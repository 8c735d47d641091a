package sitetest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
)

// Hush begins the values that tests put into sessions: it must not turn up in
// any log or error.
const Hush = "hush-"

// A Journal collects the log and the events of a Manager. At the end of the
// test it makes sure that no ticket, store key or value is among them.
type Journal struct {
	mu      sync.Mutex
	text    bytes.Buffer // everything, for the search
	logged  []string
	events  []Event
	secrets map[string]bool
	stores  []*cloakroomtest.Faulty
}

// An Event is what a hook of some name was called with.
type Event struct {
	Name string
	cloakroom.Event
}

// NewJournal returns a Journal for the duration of a test.
func NewJournal(t testing.TB) *Journal {
	j := &Journal{secrets: map[string]bool{Hush: true}}
	t.Cleanup(func() { j.checkSecrets(t) })
	return j
}

// Secret notes a text that must not turn up.
func (j *Journal) Secret(s string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(s) > 8 {
		j.secrets[s] = true
	}
}

func (j *Journal) checkSecrets(t testing.TB) {
	for _, s := range j.stores {
		for _, call := range s.Calls() {
			for key := range strings.FieldsSeq(call.Key) { // a LoadAll or SaveAll has several
				j.Secret(key)
			}
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	text := j.text.String()
	for s := range j.secrets {
		if strings.Contains(text, s) {
			t.Errorf("a log or an error contains a ticket, a store key or a value:\n%s", text)
			return
		}
	}
}

// Logger returns a logger that writes into the Journal.
func (j *Journal) Logger() *slog.Logger { return slog.New(handler{j}) }

type handler struct{ *Journal }

func (handler) Enabled(context.Context, slog.Level) bool { return true }
func (h handler) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h handler) WithGroup(string) slog.Handler          { return h }
func (h handler) Handle(_ context.Context, r slog.Record) error {
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

// listen makes the hooks write into the Journal, and then call those that the
// test has set.
func (j *Journal) listen(h *cloakroom.Hooks) {
	for name, hook := range map[string]*func(context.Context, cloakroom.Event){
		"Created": &h.Created, "Loaded": &h.Loaded, "Saved": &h.Saved, "Conflict": &h.Conflict,
		"Touched": &h.Touched, "Regenerated": &h.Regenerated, "Destroyed": &h.Destroyed,
		"Rejected": &h.Rejected, "Undecodable": &h.Undecodable, "Error": &h.Error,
	} {
		own := *hook
		*hook = func(ctx context.Context, e cloakroom.Event) {
			j.mu.Lock()
			j.events = append(j.events, Event{name, e})
			fmt.Fprintf(&j.text, "%s %+v\n", name, e)
			j.mu.Unlock()
			if own != nil {
				own(ctx, e)
			}
		}
	}
}

// Take returns the events since the last call of it or of Events.
func (j *Journal) Take() []Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := j.events
	j.events = nil
	return out
}

// Events returns the names of what Take returns.
func (j *Journal) Events() []string {
	var names []string
	for _, e := range j.Take() {
		names = append(names, e.Name)
	}
	return names
}

// Lines returns what has been logged since the last call.
func (j *Journal) Lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := j.logged
	j.logged = nil
	return out
}
