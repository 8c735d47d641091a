package releases_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// The names of what the library keeps in records for itself.
const (
	createdName = "_created"
	metaName    = "_cloakroom"
)

// fields are a record's.
type fields []codec.Field

func (f fields) find(name string) string {
	for _, field := range f {
		if string(field.Name) == name {
			return string(field.Raw)
		}
	}
	return ""
}

// record returns what a ticket's record holds, and when it expires.
func (s *site) record(t *testing.T, ticket string) (fields, time.Time) {
	t.Helper()
	rec, err := s.store.Load(context.Background(), storeKey(ticket))
	if err != nil {
		t.Fatal(err)
	}
	return s.open(t, storeKey(ticket), rec.Data), rec.Expires
}

func (s *site) open(t *testing.T, key string, data []byte) fields {
	t.Helper()
	var err error
	if s.key != "" {
		if data, err = s.sealer(t).Open(nil, data, key); err != nil {
			t.Fatal(err)
		}
	}
	f, err := s.codec.Split(nil, data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (s *site) sealer(t *testing.T) *seal.Sealer {
	t.Helper()
	sealer, err := seal.New([]byte(s.key))
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

// write puts a value into a ticket's record behind everybody's back, in the place
// of one of that name.
func (s *site) write(t *testing.T, ticket, name string, v any) {
	t.Helper()
	key := storeKey(ticket)
	err := s.rewrite(key, func(rec *store.Record) {
		f := s.open(t, key, rec.Data)
		f = slices.DeleteFunc(f, func(field codec.Field) bool { return string(field.Name) == name })
		raw, err := s.codec.Marshal(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		if rec.Data, err = s.codec.Join(nil, append(f, codec.Field{Name: []byte(name), Raw: raw})); err != nil {
			t.Fatal(err)
		}
		if s.key != "" {
			rec.Data = s.sealer(t).Seal(nil, rec.Data, key)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What one release notes of a session's life outlives what the other one does.
func (s *site) testLife(t *testing.T) {
	t.Run("notes of the newer release", s.testNotes)
	t.Run("notes of a release to come", s.testNotesToCome)
	t.Run("a session of the older release", s.testOlderSession)
	t.Run("a longer timeout of the older release", s.testLongerTimeout)
	t.Run("a move that stopped half way", s.testHalfMoved)
	if s.lifetime != cloakroom.NoLimit {
		t.Run("lifetime", s.testLifetime)
	}
}

func (s *site) testNotes(t *testing.T) {
	ticket := s.must(t, newer, "/step", "", nil).ticket
	f, _ := s.record(t, ticket)
	want := f.find(metaName)
	if want == "" {
		t.Fatalf("a record of the newer release has no %s", metaName)
	}
	for _, path := range []string{"/step", "/flash", "/flashes", "/set", "/login"} {
		if p := s.must(t, older, path, ticket, nil); p.ticket != "" {
			ticket = p.ticket
		}
		if f, _ := s.record(t, ticket); f.find(metaName) != want {
			t.Errorf("after %s at the older release %s is %q, want %q", path, metaName, f.find(metaName), want)
		}
	}
	if p := s.must(t, newer, "/read", ticket, nil); p.Steps != 2 {
		t.Errorf("the newer release finds %+v, want 2 steps", p.Answer)
	}
}

func (s *site) testNotesToCome(t *testing.T) {
	ticket := s.must(t, newer, "/step", "", nil).ticket
	type notes struct {
		Idle  int64  `json:"idle" msgpack:"idle"`
		Later string `json:"later" msgpack:"later"`
	}
	s.write(t, ticket, metaName, notes{idle.Milliseconds(), "kept"})
	for _, to := range []release{older, newer, older} {
		for _, path := range []string{"/step", "/login"} {
			if p := s.must(t, to, path, ticket, nil); p.ticket != "" {
				ticket = p.ticket
			}
			if f, _ := s.record(t, ticket); !strings.Contains(f.find(metaName), "kept") {
				t.Errorf("after %s at %s an entry that it does not know is gone", path, to)
			}
		}
	}
}

// The older release moves the expiry on by a longer timeout than the newer one
// has noted. That it would have been used in the future counts as now.
func (s *site) testLongerTimeout(t *testing.T) {
	ticket := s.must(t, newer, "/step", "", nil).ticket
	if err := s.hurry(storeKey(ticket), -5*idle); err != nil {
		t.Fatal(err)
	}
	s.must(t, newer, "/read", ticket, nil)
	if _, expires := s.record(t, ticket); time.Until(expires) > idle+precision {
		t.Errorf("after a use at the newer release the session ends in %v, want %v", time.Until(expires), idle)
	}
	if p := s.must(t, older, "/read", ticket, nil); p.Steps != 1 {
		t.Errorf("the older release finds %+v, want one step", p.Answer)
	}
}

// The newer release has saved a session under its new key and then failed. What
// the older one does to it meanwhile does not keep the move from being finished.
func (s *site) testHalfMoved(t *testing.T) {
	for _, path := range []string{"/step", "/login"} {
		former := s.must(t, newer, "/step", "", nil).ticket
		ticket := s.must(t, newer, "/step", "", nil).ticket
		type notes struct {
			Idle int64      `json:"idle" msgpack:"idle"`
			Prev [][]string `json:"prev" msgpack:"prev"`
		}
		s.write(t, ticket, metaName, notes{idle.Milliseconds(), [][]string{
			{string(store.MarkMoved), storeKey(former), "digest of what it was made of", "digest of what it was made"},
		}})
		said := s.must(t, older, path, ticket, map[string][]string{"value": {"ada"}})
		if said.ticket != "" {
			ticket = said.ticket
		}
		if p := s.must(t, newer, "/read", ticket, nil); p.User != said.User || p.Steps != said.Steps {
			t.Errorf("after %s the older release said %+v, the newer one says %+v", path, said.Answer, p.Answer)
		}
		for _, to := range []release{older, newer} {
			if err := s.opensNothing(to, former); err != nil {
				t.Errorf("after %s at the older release: %v", path, err)
			}
		}
		if f, _ := s.record(t, ticket); strings.Contains(f.find(metaName), "prev") {
			t.Errorf("after %s at the older release the newer one has not finished the move", path)
		}
	}
}

func (s *site) testOlderSession(t *testing.T) {
	ticket := s.must(t, older, "/step", "", nil).ticket
	if f, _ := s.record(t, ticket); f.find(metaName) != "" {
		t.Fatalf("a record of the older release has %s: it is not the older one", metaName)
	}
	if err := s.hurry(storeKey(ticket), idle/2); err != nil {
		t.Fatal(err)
	}
	if p := s.must(t, newer, "/read", ticket, nil); p.Steps != 1 {
		t.Errorf("the newer release finds %+v, want one step", p.Answer)
	}
	if f, expires := s.record(t, ticket); f.find(metaName) == "" || time.Until(expires) < idle*9/10 {
		t.Errorf("after a use at the newer release the session ends in %v, want %v; %s is %q", time.Until(expires), idle, metaName, f.find(metaName))
	}
	if p := s.must(t, older, "/step", ticket, nil); p.Steps != 2 {
		t.Errorf("the older release finds %+v, want two steps", p.Answer)
	}
}

// Both releases end a session by its lifetime, of which the older one's expiry
// tells, too.
func (s *site) testLifetime(t *testing.T) {
	for _, first := range []release{older, newer} {
		ticket := s.must(t, first, "/step", "", nil).ticket
		left := idle / 2
		s.write(t, ticket, createdName, time.Now().Add(left-s.lifetime).Unix())

		s.must(t, older, "/step", ticket, nil)
		if _, expires := s.record(t, ticket); time.Until(expires) > left+precision {
			t.Errorf("after a use at the older release the session ends in %v, want %v", time.Until(expires), left)
		}
		for _, to := range []release{newer, older, newer} {
			if p := s.must(t, to, "/read", ticket, nil); p.Steps != 2 {
				t.Errorf("%s finds %+v, want two steps", to, p.Answer)
			}
		}
		if _, expires := s.record(t, ticket); time.Until(expires) < idle*9/10 {
			t.Errorf("after a use at the newer release the record ends in %v, want %v, by which the last use is known", time.Until(expires), idle)
		}

		s.write(t, ticket, createdName, time.Now().Add(-s.lifetime).Unix())
		for _, to := range []release{older, newer} {
			if err := s.opensNothing(to, ticket); err != nil {
				t.Errorf("at the end of its lifetime: %v", err)
			}
		}
	}
}
