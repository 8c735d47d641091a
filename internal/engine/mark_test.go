package engine_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// plantMark puts a mark under the key that the ticket Dead leads to.
func plantMark(t *testing.T, s *sitetest.Site, m store.Mark) {
	t.Helper()
	s.Plant(t, "session:"+sitetest.Dead, store.Record{Data: m.Append(nil), Expires: time.Now().Add(time.Hour)})
}

// Whatever somebody writes into the store as a mark: the ticket opens nothing, and
// neither a visit nor a logout does harm.
func TestHostileMarks(t *testing.T) {
	for name, m := range map[string]store.Mark{
		"no payload":          {Kind: store.MarkMoved},
		"a kind to come":      {Kind: 'R', Payload: []byte("session:x")},
		"no kind":             {Kind: 0},
		"leads to itself":     {Kind: store.MarkMoved, Payload: []byte("session:" + sitetest.Dead)},
		"leads nowhere":       {Kind: store.MarkMoved, Payload: []byte("session:nowhere")},
		"no key":              {Kind: store.MarkMoved, Payload: []byte("\x00\xff\n")},
		"unfinished, cut off": {Kind: store.MarkEnded, Payload: []byte("M\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01abc")},
		"unfinished, itself":  {Kind: store.MarkEnded, Payload: []byte("M\x33session:" + sitetest.Dead)},
		"long ago":            {Kind: store.MarkMoved, At: time.UnixMilli(-1 << 62)},
		"far in the future":   {Kind: store.MarkEnded, At: time.UnixMilli(1 << 62)},
	} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{PlainIDs: true})
				if m.At.IsZero() {
					m.At = time.Now()
				}
				plantMark(t, s, m)
				other := s.Known(t)
				b := s.Holder(t, sitetest.Dead)
				mustBeOver(t, b, "by a mark")
				if a := b.Visit(logOut); a.StatusCode != http.StatusOK && a.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("the logout got %v", a)
				}
				mustBeOver(t, s.Holder(t, sitetest.Dead), "after a logout")
				mustLive(t, other, "somebody else")
			})
		})
	}
}

// With RecordKeys a mark tells nobody who reads the store where a session went on,
// and nobody who writes there can lead a logout astray.
func TestSealedMarks(t *testing.T) {
	keyA, keyB := []byte("one key of 32 bytes, for tests .."), []byte("another of 32 bytes, for tests ..")
	opts := func(keys ...[]byte) cloakroom.Options {
		return cloakroom.Options{PlainIDs: true, RecordKeys: keys}
	}
	synctest.Test(t, func(t *testing.T) {
		records := sitetest.Memory(t)
		s := sitetest.NewOn(t, records, opts(keyA))
		b := s.Known(t)
		old := b.Ticket()
		b.OK(logIn("ada"))
		rec, err := records.Load(t.Context(), "session:"+old)
		if err != nil {
			t.Fatal(err)
		}
		m, ok := store.ParseMark(rec.Data)
		if !ok || m.Kind != store.MarkMoved {
			t.Fatal("there is no mark")
		}
		if string(m.Payload) == "session:"+b.Ticket() || len(m.Payload) < len("session:"+b.Ticket()) {
			t.Error("the payload is not sealed")
		}
		for name, c := range map[string]struct {
			opts cloakroom.Options
			code int
		}{
			"a key that is not listed": {opts(keyB), http.StatusServiceUnavailable},
			"without keys":             {cloakroom.Options{PlainIDs: true}, http.StatusServiceUnavailable},
			"a listed key":             {opts(keyB, keyA), http.StatusOK},
		} {
			other := sitetest.NewOn(t, records, c.opts)
			if a := other.Holder(t, old).Visit(func(s *cloakroom.Session) { s.Get("user") }); a.StatusCode != c.code {
				t.Errorf("%s: got %v, want %d", name, a, c.code)
			}
		}
		// A mark that another store key had, and one that nobody has sealed.
		for name, payload := range map[string][]byte{"copied": m.Payload, "not sealed": []byte("session:" + b.Ticket())} {
			victim := s.Known(t)
			forged := store.Mark{Kind: store.MarkMoved, At: time.Now(), Payload: payload}
			plantMark(t, s, forged)
			thief := s.Holder(t, sitetest.Dead)
			thief.Visit(logOut)
			mustLive(t, b, name+": the session that the mark names")
			mustLive(t, victim, "anybody else")
			if err := records.Delete(t.Context(), "session:"+sitetest.Dead); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Marks go by themselves, and what they name is in no handler's reach.
func TestMarksLiveForMinutes(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{IdleTimeout: 10 * time.Hour})
		b := s.Known(t)
		b.OK(logIn("ada"))
		b.OK(logOut)
		if marks := s.Marks(t); len(marks) != 2 || len(s.Records(t)) != 0 {
			t.Errorf("%d marks and %d records, want 2 and none", len(marks), len(s.Records(t)))
		}
		time.Sleep(16 * time.Minute)
		if marks := s.Marks(t); len(marks) != 0 {
			t.Errorf("%d marks are left", len(marks))
		}
	})
}
