package redisstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// A user may be held down to what the advice for NOPERM names.
func TestTheAdvisedRightsAreEnough(t *testing.T) {
	stranger := testserver.Start(t, testserver.Redis("user narrow on >secret ~session:* -@all +ping"))
	_, err := tryOpen(t, "redis://narrow:secret@"+stranger.Addr()+"/")
	fails(t, "Open without rights", err, "NOPERM", "ACL SETUSER")
	_, list, _ := strings.Cut(store.Advice(err), "PREFIX* ")
	rights, list, _ := strings.Cut(list, "; with Replicas also ")
	forReplicas, forStale, found := strings.Cut(strings.TrimSuffix(list, "."), ", with StaleFor also ")
	if !found {
		t.Fatalf("the advice is %q: this test does not understand it", store.Advice(err))
	}
	for query, more := range map[string]string{"": "", "?stale_for=1m": forStale, "?replicas=1": forReplicas} {
		t.Run(query, func(t *testing.T) {
			p := testserver.Start(t, testserver.Redis("user narrow on >secret ~session:* -@all "+rights+" "+more))
			if query == "?replicas=1" {
				r := testserver.Start(t, testserver.Redis("replicaof 127.0.0.1 "+strings.TrimPrefix(p.Addr(), "127.0.0.1:")))
				r.Await(t, "master_link_status:up", "INFO", "replication")
			}
			s := open(t, "redis://narrow:secret@"+p.Addr()+"/"+query)
			far := time.Now().Add(time.Hour)
			r, err := s.Save(t.Context(), "session:k", store.Record{}, store.Record{Data: []byte("1"), Expires: far})
			if err == nil {
				r, err = s.Save(t.Context(), "session:k", r, store.Record{Data: []byte("2"), Expires: far})
			}
			if err == nil {
				err = s.Touch(t.Context(), "session:k", r, far.Add(time.Hour))
			}
			if err == nil {
				err = s.Touch(t.Context(), "session:k", r, time.Time{})
			}
			if err == nil {
				_, err = s.Load(t.Context(), "session:k")
			}
			if err == nil {
				_, err = s.Save(t.Context(), "session:k", r, store.Record{})
			}
			if err == nil {
				err = s.Delete(t.Context(), "session:k")
			}
			if err != nil {
				t.Errorf("%v", err)
			}
			if _, err := s.Save(t.Context(), "session:k", store.Record{}, store.Record{}); err != nil {
				t.Errorf("Save of nothing over nothing = %v", err)
			}
			for _, err := range s.List(t.Context(), "session:") {
				if err != nil {
					t.Errorf("List = %v", err)
				}
			}
			if _, err := s.Load(t.Context(), "elsewhere:k"); err == nil || errors.Is(err, store.ErrNotFound) {
				t.Errorf("Load of another's key = %v, want an error", err)
			}
		})
	}
}

// It would only send every read twice.
func TestNearCacheThatCannotBe(t *testing.T) {
	old := testserver.Start(t, testserver.Redis("rename-command EVALSHA_RO nothing"))
	if s, err := tryOpen(t, urlOf(old)); err != nil {
		t.Errorf("Open without StaleFor = %v, want nil", err)
	} else {
		s.Close()
	}
	_, err := tryOpen(t, urlOf(old)+"?stale_for=1m")
	fails(t, "Open", err, "unknown command", "lacks a command")
}
