package flask_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Flask has no bound for messages that no page shows. What is dropped could be
// what Python has put there, so package flask has none either.
func TestFlashesHaveNoBoundWithFlask(t *testing.T) {
	const old = 2500
	var list []any
	for i := range old {
		list = append(list, []any{"python", fmt.Sprint(i)})
	}
	for _, c := range []struct {
		written flask.Format // by Python
		own     flask.Format
	}{
		{flask.FormatMsgPack, flask.FormatMsgPack}, {flask.FormatJSON, flask.FormatJSON}, {flask.FormatPickle, flask.FormatPickle},
		{flask.FormatJSON, flask.FormatMsgPack}, {flask.FormatPickle, flask.FormatMsgPack}, {flask.FormatMsgPack, flask.FormatPickle},
	} {
		t.Run(fmt.Sprintf("%s in %s", c.written, c.own), func(t *testing.T) {
			theirs := flask.RecordCodec(c.written)
			raw, err := theirs.Marshal(nil, list)
			if err != nil {
				t.Fatal(err)
			}
			record, err := theirs.Join(nil, []codec.Field{{Name: []byte("_flashes"), Raw: raw}})
			if err != nil {
				t.Fatal(err)
			}
			records := memstore.New(memstore.Options{})
			t.Cleanup(func() { records.Close() })
			m, err := flask.New(records, configured(t, map[string]any{"SESSION_TYPE": "redis",
				"SESSION_REDIS": "redis://127.0.0.1", "SESSION_SERIALIZATION_FORMAT": string(c.own)}), quiet())
			if err != nil {
				t.Fatal(err)
			}
			const ticket = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			next := store.Record{Data: record, Expires: time.Now().Add(time.Hour)}
			if _, err := records.Save(t.Context(), "session:"+ticket, store.Record{}, next); err != nil {
				t.Fatal(err)
			}
			use := func(use func(*cloakroom.Session)) {
				t.Helper()
				s, err := m.Open(t.Context(), ticket)
				if err != nil {
					t.Fatal(err)
				}
				use(s)
				if _, err := m.Commit(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			use(func(s *cloakroom.Session) { s.Flash("go", "one") })
			use(func(s *cloakroom.Session) { s.Flash("go", "two") })
			use(func(s *cloakroom.Session) {
				if got := s.Flashes("go"); len(got) != 2 || got[1].Message != "two" {
					t.Errorf("ours are %v", got)
				}
			})
			use(func(s *cloakroom.Session) {
				got := s.Flashes()
				if len(got) != old {
					t.Fatalf("%d messages are left, want %d", len(got), old)
				}
				for i, f := range got {
					if want := (cloakroom.Flash{Category: "python", Message: fmt.Sprint(i)}); f != want {
						t.Fatalf("message %d is %v, want %v", i, f, want)
					}
				}
			})
		})
	}
}
