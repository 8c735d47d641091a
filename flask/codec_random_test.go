package flask_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/internal/pyvalue/pyvaluetest"
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
		what := fmt.Sprintf("%s to %s: %v", from, to, start)
		model := maps.Clone(start)
		for range 1 + rnd.IntN(3) {
			session, err := m.Open(t.Context(), ticket)
			if err != nil {
				t.Fatal(err)
			}
			changed := rnd.IntN(4) == 0
			if changed { // first: what is flashed after that stays
				session.Flashes()
				_, changed = model["_flashes"]
				delete(model, "_flashes")
				what += "; flashes"
			}
			for range 1 + rnd.IntN(4) {
				step, isChange := randomChange(rnd, session, model)
				what, changed = what+"; "+step, changed || isChange
			}
			what += "; commit"
			if _, err := m.Commit(t.Context(), session); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			rec, err := s.Load(t.Context(), key)
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
func randomChange(rnd *rand.Rand, s *cloakroom.Session, model map[string]any) (string, bool) {
	name := randomName(rnd)
	switch rnd.IntN(7) {
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
	if v := session.Get("_flashes"); v != nil {
		got["_flashes"] = v
	}
	want := maps.Clone(model)
	permanent, _ := want["_permanent"].(bool)
	delete(want, "_permanent")
	if session.Permanent() != permanent || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: permanent %v, %v, want %v, %v", what, session.Permanent(), got, permanent, want)
	}
}
