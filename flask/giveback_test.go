package flask_test

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/internal/wire/wiretest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// sharedFormats are those that Flask shares, and how finely they keep times.
var sharedFormats = map[string]struct {
	codec      codec.Codec
	resolution time.Duration
}{
	"cookie":  {(&flask.Config{Type: flask.TypeCookie}).RecordCodec(), time.Second},
	"pickle":  {flask.RecordCodec(flask.FormatPickle), time.Microsecond},
	"msgpack": {flask.RecordCodec(flask.FormatMsgPack), 1},
	"json":    {flask.RecordCodec(flask.FormatJSON), 1},
}

// What Set takes Get gives back, or Set refuses it, in Flask's formats as well.
func TestRandomValuesComeBackFromFlasksFormats(t *testing.T) {
	rounds := uint64(3_000)
	if testing.Short() {
		rounds = 300
	}
	for name, format := range sharedFormats {
		t.Run(name, func(t *testing.T) {
			records := memstore.New(memstore.Options{})
			m, err := cloakroom.New(records, cloakroom.Options{PlainIDs: true, Codec: format.codec, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			taken := uint64(0)
			for i := range 2 * rounds {
				v := wiretest.Maker{Rand: rand.New(rand.NewPCG(i, 3)), Odd: i%2 == 0}.Value()
				if v.Kind() == reflect.Interface {
					if v = v.Elem(); !v.IsValid() {
						continue
					}
				}
				s, err := m.Open(t.Context(), "")
				if err != nil {
					t.Fatal(err)
				}
				s.Set("v", v.Interface())
				if err := s.Err(); err != nil {
					if !errors.Is(err, codec.ErrType) && !errors.Is(err, codec.ErrLimit) && !errors.Is(err, codec.ErrMalformed) {
						t.Fatalf("%d: a %s is refused with %v", i, v.Type(), err)
					}
					continue
				}
				ticket, err := m.Commit(t.Context(), s)
				if err != nil {
					t.Fatalf("%d: Set took a %s, Commit answers %v", i, v.Type(), err)
				}
				record, err := records.Load(t.Context(), cloakroom.DefaultKeyPrefix+string(ticket))
				if err != nil {
					t.Fatal(err)
				}
				fields, err := format.codec.Split(nil, record.Data)
				if err != nil {
					t.Fatal(err)
				}
				got := reflect.New(v.Type())
				for _, f := range fields {
					if string(f.Name) == "v" {
						err = format.codec.Unmarshal(f.Raw, got.Interface())
					}
				}
				if want, got := wiretest.Spell(v, format.resolution), wiretest.Spell(got.Elem(), format.resolution); err != nil || got != want {
					t.Fatalf("%d: of a %s\n%s\nbecame, with error %v,\n%s", i, v.Type(), want, err, got)
				}
				taken++
			}
			if taken < rounds {
				t.Errorf("took %d values of %d", taken, 2*rounds)
			}
		})
	}
}

// Whatever a visitor sends, the session can be read and saved afterwards.
func TestHostileTextLocksNoFlaskSession(t *testing.T) {
	form := url.Values{"caf\xe9": {"\xff", "\xed\xa0\x80"}, "\x00": {""}, "data:;charset=unknown-8bit;base64,/w==": {"x"}}
	cookie := flask.DefaultConfig()
	cookie.SecretKey, cookie.InsecureSecrets = flask.Secret(vectorKey), true
	managers := map[string]*cloakroom.Manager{}
	var err error
	if managers["cookie"], err = flask.New(nil, cookie, cloakroom.Options{Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	for _, format := range []flask.Format{flask.FormatMsgPack, flask.FormatJSON, flask.FormatPickle} {
		managers[string(format)], _, _, _ = withRecord(t, format, "\x80")
	}
	for name, m := range managers {
		t.Run(name, func(t *testing.T) {
			var ticket cloakroom.Ticket
			for round := range 3 {
				s, err := m.Open(t.Context(), ticket)
				if err != nil {
					t.Fatal(err)
				}
				if round == 0 {
					s.Set("form", form)
					s.Set("untyped", map[string]any{"caf\xe9": "\xff"})
				}
				if got, ok := cloakroom.Key[url.Values]("form").Get(s); !ok || !reflect.DeepEqual(got, form) {
					t.Errorf("got %q, %v", got, ok)
				}
				if got, ok := cloakroom.Key[map[string]string]("untyped").Get(s); !ok || got["caf\xe9"] != "\xff" {
					t.Errorf("got %q, %v", got, ok)
				}
				if got := s.Flashes(); round > 0 && (len(got) != 1 || got[0] != (cloakroom.Flash{Category: "caf\xe9", Message: "\xff"})) {
					t.Errorf("got %q", got)
				}
				s.Flash("caf\xe9", "\xff")
				if ticket, err = m.Commit(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
