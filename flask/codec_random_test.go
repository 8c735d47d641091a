package flask_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/internal/pyvalue/pyvaluetest"
	"github.com/cloakroom/cloakroom/store"
)

// TestRandomChangesOfOtherFormats changes sessions of each format, written
// partly or wholly anew, in programs that write another. After each commit the
// record is one of the program's format, and the session what was made of it.
func TestRandomChangesOfOtherFormats(t *testing.T) {
	rnd := pyvaluetest.Source(t)
	formats := []flask.Format{flask.FormatMsgPack, flask.FormatJSON, flask.FormatPickle}
	for i := range 900 {
		from, to := formats[i%3], formats[i/3%3]
		start := map[string]any{}
		for range rnd.IntN(4) {
			start[randomName(rnd)] = randomSimple(rnd)
		}
		if rnd.IntN(2) == 0 {
			start["_permanent"] = rnd.IntN(2) == 0
		}
		if rnd.IntN(3) == 0 {
			start["_flashes"] = []any{[]any{"message", "old"}}
		}
		record, err := dumpRecord(flask.RecordCodec(from), start)
		if err != nil {
			t.Fatal(err)
		}
		m, s, ticket, key := withRecord(t, to, string(record))
		inFlask := rnd.IntN(2) == 0
		if inFlask {
			m, err = flask.New(s, configured(t, values{"SESSION_TYPE": "redis", "SESSION_REDIS": "redis://h", "SESSION_SERIALIZATION_FORMAT": to}), quiet())
			if err != nil {
				t.Fatal(err)
			}
		}
		what := fmt.Sprintf("%s to %s, Flask %t: %v", from, to, inFlask, start)
		model := maps.Clone(start)
		for range 1 + rnd.IntN(3) {
			session, err := m.Open(t.Context(), ticket)
			if err != nil {
				t.Fatal(err)
			}
			mark, changed := len(what), rnd.IntN(4) == 0
			if changed { // first: what is flashed after that stays
				session.Flashes()
				_, changed = model["_flashes"]
				delete(model, "_flashes")
				what += "; flashes"
			}
			for range 1 + rnd.IntN(4) {
				step, isChange := randomChange(rnd, session, model, inFlask)
				what, changed = what+"; "+step, changed || isChange
			}
			if rnd.IntN(2) == 0 && !strings.Contains(what[mark:], "clear") {
				name, v := "other "+randomName(rnd), randomSimple(rnd)
				what += fmt.Sprintf("; meanwhile, in %s, set %q to %v", formats[i/9%3], name, v)
				meanwhile(t, s, formats[i/9%3], ticket, name, v)
				model[name] = v
			}
			what += "; commit"
			if _, err := m.Commit(t.Context(), session); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			rec, err := s.Load(t.Context(), key)
			if inFlask && changed && empty(model) {
				if !errors.Is(err, store.ErrNotFound) {
					t.Fatalf("%s: the emptied session's record is %q, error %v", what, rec.Data, err)
				}
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if c := flask.RecordCodec(to); changed && !ownCodec(to).Match(rec.Data) {
				t.Fatalf("%s: the record %q is not in %s", what, rec.Data, c.Name())
			}
			compareSession(t, what, m, ticket, model)
		}
	}
}

// meanwhile changes the session in another program, which writes another
// format.
func meanwhile(t *testing.T, s store.Store, format flask.Format, ticket cloakroom.Ticket, name string, v any) {
	t.Helper()
	m, err := flask.New(s, configured(t, values{"SESSION_TYPE": "redis", "SESSION_REDIS": "redis://h", "SESSION_SERIALIZATION_FORMAT": format}), quiet())
	if err != nil {
		t.Fatal(err)
	}
	session, err := m.Open(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	session.Set(name, v)
	if _, err := m.Commit(t.Context(), session); err != nil {
		t.Fatal(err)
	}
}

// empty reports whether Flask-Session takes a session for empty.
func empty(model map[string]any) bool {
	_, permanent := model["_permanent"]
	return len(model) == 0 || len(model) == 1 && permanent
}

func ownCodec(f flask.Format) codec.Codec {
	if f == flask.FormatJSON {
		return codec.JSON
	}
	if f == flask.FormatMsgPack {
		return codec.MsgPack
	}
	return flask.PickleCodec
}

func randomName(rnd *rand.Rand) string { return []string{"a", "b", "c", "é", "7", ""}[rnd.IntN(6)] }

// randomSimple returns a value that all formats have.
func randomSimple(rnd *rand.Rand) any {
	return []any{nil, true, int64(rnd.IntN(1000) - 500), 1.5, "text é", []any{int64(1), "x"}, map[string]any{"k": nil}}[rnd.IntN(7)]
}

// randomChange changes the session and the model alike. It returns what it did,
// and whether that was a change.
func randomChange(rnd *rand.Rand, s *cloakroom.Session, model map[string]any, inFlask bool) (string, bool) {
	name := randomName(rnd)
	n := rnd.IntN(8)
	if n == 7 && !inFlask {
		n = 0
	}
	switch n {
	case 7: // the native mode writes _permanent only if it is true
		v := rnd.IntN(2) == 0
		s.SetPermanent(v)
		model["_permanent"] = v
		return fmt.Sprint("permanent ", v), true
	case 0, 1, 2:
		v := randomSimple(rnd)
		s.Set(name, v)
		model[name] = v
		return fmt.Sprintf("set %q to %v", name, v), true
	case 3:
		_, there := model[name]
		s.Delete(name)
		delete(model, name)
		return fmt.Sprintf("delete %q", name), there
	case 4:
		s.Flash("message", "new")
		list, _ := model["_flashes"].([]any)
		model["_flashes"] = append(slices.Clone(list), []any{"message", "new"})
		return "flash", true
	case 5:
		cloakroom.Key[any](name).Update(s, func(v any) any { return []any{v} })
		model[name] = []any{model[name]}
		return fmt.Sprintf("update %q", name), true
	default:
		s.Clear()
		permanent, there := model["_permanent"]
		clear(model)
		if there {
			model["_permanent"] = permanent
		}
		return "clear", true
	}
}

func compareSession(t *testing.T, what string, m *cloakroom.Manager, ticket cloakroom.Ticket, model map[string]any) {
	t.Helper()
	session, err := m.Open(t.Context(), ticket)
	if err != nil || session.IsNew() {
		t.Fatalf("%s: a new session, error %v", what, err)
	}
	got := maps.Collect(session.All())
	if list, ok := session.Get("_flashes").([]any); ok {
		for i, pair := range list {
			if tuple, ok := pair.(flask.Tuple); ok { // in pickle
				list[i] = []any(tuple)
			}
		}
		got["_flashes"] = list
	}
	want := maps.Clone(model)
	permanent, _ := want["_permanent"].(bool)
	delete(want, "_permanent")
	if session.Permanent() != permanent || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: permanent %v, %v, want %v, %v", what, session.Permanent(), got, permanent, want)
	}
}
