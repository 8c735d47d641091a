package redisstore_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// Flask-Session 0.8 sends SET key data EX seconds, and reads with GET.
func TestRecordsAreFlaskSessions(t *testing.T) {
	const key = "session:kP3xTq0aYVw8n2bUe5rJm7LzC1dHs9GfXoQiR4tEyWA"
	const theirs, ours = "\x83\xaa_permanent\xc3\xa4user\xa3ada\xa1n\x01", "\x83\xaa_permanent\xc3\xa4user\xa3ada\xa1n\x02"
	const month = 2678400 * time.Second
	p := testserver.Start(t, testserver.Redis())
	s := open(t, urlOf(p))
	p.Do(t, "SET", key, theirs, "EX", "2678400")
	r, err := s.Load(t.Context(), key)
	if err != nil || string(r.Data) != theirs {
		t.Fatalf("Load = %q, %v, want what Flask-Session wrote", r.Data, err)
	}
	if left := time.Until(r.Expires); left < month-time.Minute || left > month+time.Minute {
		t.Errorf("the record lives for %v, want %v", left, month)
	}
	if _, err := s.Save(t.Context(), key, r, store.Record{Data: []byte(ours), Expires: time.Now().Add(month)}); err != nil {
		t.Fatal(err)
	}
	if got := p.Do(t, "GET", key); got != ours {
		t.Errorf("GET = %q, want %q", got, ours)
	}
	if ttl, err := strconv.Atoi(p.Do(t, "TTL", key)); err != nil || ttl < 2678400-60 || ttl > 2678400+1 {
		t.Errorf("TTL = %d, %v, want 2678400", ttl, err)
	}
	if got := p.Do(t, "DBSIZE"); got != "1" {
		t.Errorf("the server holds %s keys, want the record alone", got)
	}
}
