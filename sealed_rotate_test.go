package cloakroom_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/seal"
)

// A session that is only read gets under the new key too, as its expiry moves
// on: otherwise the old key could never be dropped.
func TestRecordsAreSealedAnewAsTheyAreUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := bytes.Repeat([]byte("old key "), 4), bytes.Repeat([]byte("new key "), 4)
		newest, err := seal.New(next)
		if err != nil {
			t.Fatal(err)
		}
		before := newLocalSite(t, cloakroom.Options{RecordKeys: [][]byte{old}})
		b := before.browser(t)
		b.ok(setUser)
		after := newLocalSite(t, cloakroom.Options{RecordKeys: [][]byte{next, old}})
		var key string
		for k, r := range before.records(t) {
			key = k
			after.plant(t, k, r)
		}
		visit := func(calls ...string) {
			t.Helper()
			after.store.since()
			after.ask(t, "__Host-session="+b.ticket(), has(t, "under both keys", true))
			want(t, "store calls", after.store.since(), calls...)
		}
		visit("Load")
		time.Sleep(10 * time.Minute)
		after.fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: errRefused})
		visit("Load", "Save", "Touch") // that it fails ends nothing
		time.Sleep(10 * time.Minute)
		visit("Load", "Save")
		r := after.records(t)[key]
		if !newest.Current(r.Data) || time.Until(r.Expires) != cloakroom.DefaultIdleTimeout {
			t.Errorf("under the new key: %v, expires in %v", newest.Current(r.Data), time.Until(r.Expires))
		}
		time.Sleep(10 * time.Minute)
		visit("Load", "Touch")
	})
}
