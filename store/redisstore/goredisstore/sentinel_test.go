package goredisstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore/goredisstore"
)

// That Sentinels do not know the master is no word about any session: their
// answer is nil, as is that of a server without the record.
func TestSentinelsThatDoNotKnowTheMaster(t *testing.T) {
	s := testserver.StartRedisSentinel(t)
	o := universal(s.Addrs())
	o.MasterName = "other"
	records := open(t, redis.NewUniversalClient(o), goredisstore.Options{})
	_, loadErr := records.Load(t.Context(), "k")
	_, saveErr := records.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("v")})
	_, noneErr := records.Save(t.Context(), "k", store.Record{}, store.Record{})
	for what, err := range map[string]error{
		"Load": loadErr, "Save": saveErr, "Save of nothing": noneErr,
		"Touch": records.Touch(t.Context(), "k", store.Record{}, time.Time{}), "Delete": records.Delete(t.Context(), "k"), "Ping": records.Ping(t.Context()),
	} {
		if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) || store.Advice(err) == "" {
			t.Errorf("%s = %v (%s), want an error with advice that is neither ErrNotFound nor ErrConflict", what, err, store.Advice(err))
		}
	}
	for _, err := range records.List(t.Context(), "") {
		if err == nil {
			t.Error("List yields a record")
		}
	}
}
