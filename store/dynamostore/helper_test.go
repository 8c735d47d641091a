package dynamostore

import (
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func holds(t *testing.T, s *Store, key, data string) store.Record {
	t.Helper()
	r, err := s.Load(t.Context(), key)
	if err != nil || string(r.Data) != data {
		t.Fatalf("Load = %q, %v, want %q", r.Data, err, data)
	}
	return r
}

func record(data string, expires time.Time) store.Record {
	return store.Record{Data: []byte(data), Expires: expires}
}

func inAnHour() time.Time { return time.Now().Add(time.Hour).Truncate(time.Second) }

// checkDiscreet checks that an error gives no secret away.
func checkDiscreet(t *testing.T, err error, secrets ...string) {
	t.Helper()
	if err == nil {
		return
	}
	for _, s := range secrets {
		if strings.Contains(err.Error()+store.Advice(err), s) {
			t.Errorf("the error contains a secret: %v", err)
		}
	}
}
