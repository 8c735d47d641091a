package engine_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

var (
	keyA = []byte("the key A, of 32 bytes or so ....")
	keyB = []byte("the key B, of 32 bytes or so ....")
)

func sealer(t *testing.T, keys ...[]byte) *seal.Sealer {
	t.Helper()
	s, err := seal.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plain are Options under which a test knows the name of each record.
func plain(keys ...[]byte) cloakroom.Options {
	return cloakroom.Options{PlainIDs: true, RecordKeys: keys}
}

const plainKey = cloakroom.DefaultKeyPrefix // before the ticket

// A record that may be a session's and that this process cannot or must not
// open is no anonymous visitor's: it is closed, and stays as it is.
func TestRecordsThatAreClosed(t *testing.T) {
	const key = plainKey + "ddddddddddddddddddddddddddddddddddddddddddd"
	const session = "\x81\xa4user\xa3ada"
	byB := string(sealer(t, keyB).Seal(nil, []byte(session), key))
	for name, c := range map[string]struct {
		keys    [][]byte
		data    string
		unknown bool
		says    string
	}{
		"under a key that is not listed":    {[][]byte{keyA}, byB, true, "Append the key to Options.RecordKeys in all processes before it is promoted"},
		"sealed, and there are no keys":     {nil, byB, true, "Records are sealed and no RecordKeys are set"},
		"not sealed, and there are keys":    {[][]byte{keyA}, session, false, "set Options.ReadUnsealedUntil"},
		"JSON, and there are keys":          {[][]byte{keyA}, `{"user":"ada"}`, false, "set Options.ReadUnsealedUntil"},
		"a seal's head alone, without keys": {nil, "\x01" + strings.Repeat("x", seal.Overhead-1), true, "no RecordKeys are set"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sitetest.New(t, plain(c.keys...))
			s.PlantData(t, key, c.data)
			for what, use := range map[string]func(*cloakroom.Session){
				"read": func(s *cloakroom.Session) { s.Get("user") }, "write": sitetest.SetUser, "login": (*cloakroom.Session).Regenerate,
				"logout": (*cloakroom.Session).Destroy,
			} {
				a := s.Holder(t, sitetest.Dead).Visit(func(s *cloakroom.Session) {
					if use(s); !errors.Is(s.Err(), cloakroom.ErrUnavailable) || errors.Is(s.Err(), seal.ErrUnknownKey) != c.unknown || errors.Is(s.Err(), seal.ErrOpen) {
						t.Errorf("%s: Err: %v", what, s.Err())
					}
				})
				if a.StatusCode != http.StatusServiceUnavailable || len(a.SetCookie) != 0 || a.Header.Get("Retry-After") == "" {
					t.Errorf("%s: answered %v, Set-Cookie %q", what, a, a.SetCookie)
				}
				sitetest.Equal(t, what+": events", s.Log.Events(), "Error")
				if lines := s.Log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], c.says) || strings.Contains(lines[0], "store unavailable") {
					t.Errorf("%s: logged %q, want one line that says %q and does not blame the store", what, lines, c.says)
				}
			}
			if _, err := s.Manager.Open(t.Context(), cloakroom.Ticket(sitetest.Dead)); !errors.Is(err, cloakroom.ErrUnavailable) {
				t.Errorf("Open: %v", err)
			}
			if got := s.Records(t); len(got) != 1 || string(got[key].Data) != c.data {
				t.Error("the record was not left alone")
			}
		})
	}
}

// What is no session of ours gives a new one, with keys and without.
func TestRecordsThatAreNoSeals(t *testing.T) {
	const key = plainKey + "ddddddddddddddddddddddddddddddddddddddddddd"
	byA := string(sealer(t, keyA).Seal(nil, []byte("\x80"), key))
	for name, data := range map[string]string{
		"a seal cut short":        byA[:seal.Overhead-1],
		"a seal of version 2":     "\x02" + byA[1:],
		"a list in JSON":          "[" + strings.Repeat("1,", 50) + "1]",
		"half of a msgpack":       "\x82\xa1a\x01",
		"a mark of a later form":  "\xc1crm\x02" + strings.Repeat("x", 50),
		"random bytes":            strings.Repeat("\xfe\x9c", 30),
		"a pickle of protocol 0":  "(dp0\n" + strings.Repeat("x", 50),
		"zeros":                   strings.Repeat("\x00", 50),
		"nothing":                 "",
		"a sealed record by half": byA[1:],
	} {
		for _, keys := range [][][]byte{nil, {keyB}} {
			s := sitetest.New(t, plain(keys...))
			s.PlantData(t, key, data)
			s.Use(t, sitetest.Has(t, name, false))
			sitetest.Equal(t, name+": events", s.Log.Events(), "Undecodable")
		}
	}
	for name, data := range map[string]string{
		"changed":           byA[:len(byA)-1] + string(byA[len(byA)-1]^1),
		"changed at its ID": byA[:6] + string(byA[6]^1) + byA[7:],
		"of another record": string(sealer(t, keyA).Seal(nil, []byte("\x80"), key+"x")),
	} {
		s := sitetest.New(t, plain(keyB, keyA))
		s.PlantData(t, key, data)
		s.Use(t, sitetest.Has(t, name, false))
		sitetest.Equal(t, name+": events", s.Log.Events(), "Undecodable")
		if s.Data(t, key) != data {
			t.Errorf("%s: the record was not left alone", name)
		}
	}
}

// headed is a codec of another package, with a first byte of its own.
type headed struct {
	codec.Codec
	head byte
}

func (*headed) Name() string { return "headed" }

func (c *headed) Match(data []byte) bool { return len(data) > 0 && data[0] == c.head }

func (c *headed) Split(dst []codec.Field, data []byte) ([]codec.Field, error) {
	return c.Codec.Split(dst, data[1:])
}

func (c *headed) Join(dst []byte, fields []codec.Field) ([]byte, error) {
	return c.Codec.Join(append(dst, c.head), fields)
}

// A codec knows its own records; what it cannot read may be sealed.
func TestCodecThatBeginsAsASealDoes(t *testing.T) {
	o := plain()
	o.Codec = &headed{codec.JSON, 1}
	s := sitetest.New(t, o)
	key := plainKey + sitetest.Dead
	data := "\x01" + `{"user":"ada","text":"` + strings.Repeat("x", seal.Overhead) + `"}`
	if !seal.Sealed([]byte(data)) {
		t.Fatal("the record does not look sealed")
	}
	s.PlantData(t, key, data)
	s.Use(t, sitetest.Has(t, "its own record", true))
	other := strings.Repeat("e", len(sitetest.Dead))
	s.PlantData(t, plainKey+other, string(sealer(t, keyA).Seal(nil, []byte("\x80"), plainKey+other)))
	if a := s.Holder(t, other).Visit(sitetest.SetUser); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a sealed record: answered %v", a)
	}
}

// A process that has not been told the key yet meets it in the middle of a
// save: others have sealed the record anew since it was read.
func TestConflictWithAnUnknownKey(t *testing.T) {
	records := cloakroomtest.NewFaulty(sitetest.Memory(t))
	old := sitetest.NewOn(t, records, plain(keyA))
	b := old.Known(t)
	promoted, err := cloakroom.New(records.Unwrap(), plain(keyB, keyA))
	if err != nil {
		t.Fatal(err)
	}
	records.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Before: func() {
		s, err := promoted.Open(t.Context(), cloakroom.Ticket(b.Ticket()))
		if err != nil {
			t.Error(err)
			return
		}
		s.Set("by", "the promoted one")
		if _, err := promoted.Commit(t.Context(), s); err != nil {
			t.Error(err)
		}
	}})
	if a := b.Visit(sitetest.Set("x", 1)); a.StatusCode != http.StatusServiceUnavailable || len(a.SetCookie) != 0 {
		t.Errorf("answered %v, Set-Cookie %q", a, a.SetCookie)
	}
	s, err := promoted.Open(t.Context(), cloakroom.Ticket(b.Ticket()))
	if err != nil || s.Get("by") != "the promoted one" || !s.Has("user") || s.Has("x") {
		t.Errorf("%v: the session is not what was saved", err)
	}
}

// Sessions from before sealing was switched on are read until an option says
// so, and sealed when they are saved or their expiry is moved on.
func TestReadUnsealedUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := sitetest.Memory(t)
		before := sitetest.NewOn(t, records, plain())
		o := plain(keyA)
		o.ReadUnsealedUntil = time.Now().Add(20 * time.Minute)
		s := sitetest.NewOn(t, records, o)
		isSealed := func(b *sitetest.Browser) bool {
			return sealer(t, keyA).Current([]byte(s.Data(t, plainKey+b.Ticket())))
		}
		visit := func(b *sitetest.Browser, use func(*cloakroom.Session), sealed bool, calls ...string) {
			t.Helper()
			s.Calls()
			s.Holder(t, b.Ticket()).OK(func(s *cloakroom.Session) {
				sitetest.Has(t, "from before", true)(s)
				use(s)
			})
			sitetest.Equal(t, "store calls", s.Calls(), calls...)
			if got := isSealed(b); got != sealed {
				t.Errorf("sealed: %v, want %v", got, sealed)
			}
		}
		reader, writer := before.Known(t), before.Known(t)
		nothing := func(*cloakroom.Session) {}
		visit(reader, nothing, false, "Load")
		visit(writer, sitetest.Set("x", 1), true, "Load", "Save")
		visit(writer, sitetest.Set("y", 1), true, "Load", "Save")
		time.Sleep(10 * time.Minute)
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: sitetest.ErrRefused})
		visit(reader, nothing, false, "Load", "Save", "Touch") // that it fails ends nothing
		time.Sleep(5 * time.Minute)
		visit(reader, nothing, true, "Load", "Save")
		visit(reader, nothing, true, "Load")
		time.Sleep(5*time.Minute - 1)
		late := before.Known(t)
		visit(late, nothing, false, "Load")
		time.Sleep(time.Nanosecond)
		if a := s.Holder(t, late.Ticket()).Visit(sitetest.SetUser); a.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("when the time has passed: answered %v", a)
		}
		if isSealed(late) {
			t.Error("when the time has passed the record was sealed")
		}
		visit(reader, nothing, true, "Load", "Touch")
	})
}

// While unsealed records are read, what cannot be read is what it was.
func TestReadUnsealedIsNoMore(t *testing.T) {
	const key = plainKey + "ddddddddddddddddddddddddddddddddddddddddddd"
	o := plain(keyA)
	o.ReadUnsealedUntil = time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		data  []byte
		event string
	}{
		"under another key":     {sealer(t, keyB).Seal(nil, []byte("\x80"), key), "Error"},
		"of another store key":  {sealer(t, keyA).Seal(nil, []byte("\x80"), key+"x"), "Undecodable"},
		"no session":            {[]byte("[1,2]"), "Undecodable"},
		"sealed and good":       {sealer(t, keyA).Seal(nil, []byte("\x80"), key), "Loaded"},
		"not sealed and good":   {[]byte("\x80"), "Loaded"},
		"sealed once too often": {sealer(t, keyA).Seal(nil, sealer(t, keyA).Seal(nil, []byte("\x80"), key), key), "Undecodable"},
	} {
		s := sitetest.New(t, o)
		s.PlantData(t, key, string(c.data))
		s.Holder(t, sitetest.Dead).Visit(sitetest.Has(t, name, false))
		sitetest.Equal(t, name+": events", s.Log.Events(), c.event)
	}
}

// What a mark says about a session that has moved is closed as a record is. A
// mark that says less counts as a session's end.
func TestMarksAndKeys(t *testing.T) {
	readUnsealed := plain(keyA)
	readUnsealed.ReadUnsealedUntil = time.Now() // the bubble's clock is behind
	for name, c := range map[string]struct {
		by, met cloakroom.Options
		end     func(*cloakroom.Session)
		status  int
		cookies int // one where the visitor gets another session
	}{
		"moved, under the first key":            {plain(keyA), plain(keyA), (*cloakroom.Session).Regenerate, 200, 0},
		"moved, under the second key":           {plain(keyB), plain(keyA, keyB), (*cloakroom.Session).Regenerate, 200, 0},
		"moved, under a key not listed":         {plain(keyB), plain(keyA), (*cloakroom.Session).Regenerate, 503, 0},
		"moved, sealed, without keys":           {plain(keyB), plain(), (*cloakroom.Session).Regenerate, 503, 0},
		"moved, not sealed, without keys":       {plain(), plain(), (*cloakroom.Session).Regenerate, 200, 0},
		"moved, not sealed, with keys":          {plain(), plain(keyA), (*cloakroom.Session).Regenerate, 200, 1},
		"moved, not sealed, while that is read": {plain(), readUnsealed, (*cloakroom.Session).Regenerate, 200, 0},
		"ended, under a key not listed":         {plain(keyB), plain(keyA), (*cloakroom.Session).Destroy, 200, 1},
		"ended, without keys":                   {plain(keyB), plain(), (*cloakroom.Session).Destroy, 200, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			records := sitetest.Memory(t)
			b := sitetest.NewOn(t, records, c.by).Known(t)
			old := b.Ticket()
			b.OK(c.end)
			time.Sleep(10 * time.Second) // in flight still, if the session has moved
			s := sitetest.NewOn(t, records, c.met)
			a := s.Holder(t, old).Visit(sitetest.SetUser)
			if a.StatusCode != c.status || len(a.SetCookie) != c.cookies {
				t.Errorf("%s: answered %v, Set-Cookie %q, want status %d, %d cookies", name, a, a.SetCookie, c.status, c.cookies)
			}
			if lines := s.Log.Lines(); c.status == 503 && (len(lines) != 1 || !strings.Contains(lines[0], "advice=")) {
				t.Errorf("%s: logged %q", name, lines)
			}
		})
	}
}

func TestCountKeys(t *testing.T) {
	sitetest.EachStore(t, func(t *testing.T, records store.Store) {
		keyC := []byte("the key C, of 32 bytes or so ....")
		plant := func(key string, data []byte, life time.Duration) {
			t.Helper()
			r := store.Record{Data: data, Expires: time.Now().Add(life)}
			if _, err := records.Save(t.Context(), key, store.Record{}, r); err != nil {
				t.Fatal(err)
			}
		}
		n := 0
		many := func(count int, data func(key string) []byte) {
			for range count {
				n++
				key := plainKey + strings.Repeat("x", n)
				plant(key, data(key), time.Hour)
			}
		}
		by := func(key []byte) func(string) []byte {
			s := sealer(t, key)
			return func(name string) []byte { return s.Seal(nil, []byte("\x80"), name) }
		}
		many(1, by(keyA))
		many(2, by(keyB))
		many(3, by(keyC))
		many(4, func(string) []byte { return []byte("\x80") })
		many(1, func(string) []byte { return []byte("no codec knows it") })
		mark := func(kind store.MarkKind, by func(string) []byte) func(string) []byte {
			return func(name string) []byte {
				return store.Mark{Kind: kind, At: time.Now(), Payload: by(name)}.Append(nil)
			}
		}
		many(4, mark(store.MarkEnded, func(string) []byte { return []byte(strings.Repeat("x", 60)) }))
		many(2, mark(store.MarkMoved, by(keyB)))
		many(1, mark(store.MarkRenewed, by(keyB)))
		many(1, mark(store.MarkRenewed, by(keyC)))
		many(1, mark(store.MarkRenewed, func(string) []byte { return []byte("session:unsealed") }))
		plant(plainKey+"epoch:"+strings.Repeat("x", 43), []byte("an epoch"), time.Hour)
		plant("other:"+strings.Repeat("x", 43), by(keyA)("other"), time.Hour)
		plant(plainKey+"gone", by(keyA)("gone"), time.Millisecond)
		for deadline := time.Now().Add(10 * time.Second); ; {
			if _, err := records.Load(t.Context(), plainKey+"gone"); errors.Is(err, store.ErrNotFound) || time.Now().After(deadline) {
				break
			}
		}
		for name, c := range map[string]struct {
			keys [][]byte
			want cloakroom.KeyCount
		}{
			"two keys":        {[][]byte{keyA, keyB}, cloakroom.KeyCount{Keys: []int{1, 3}, Unknown: 4}},
			"in another row":  {[][]byte{keyC, keyA}, cloakroom.KeyCount{Keys: []int{4, 1}, Unknown: 3}},
			"all, and unused": {[][]byte{keyB, []byte("a key that sealed nothing as yet."), keyC, keyA}, cloakroom.KeyCount{Keys: []int{3, 0, 4, 1}}},
			"no keys":         {nil, cloakroom.KeyCount{Unknown: 8}},
		} {
			got, err := sitetest.NewOn(t, records, plain(c.keys...)).Manager.CountKeys(t.Context())
			if err != nil || !slices.Equal(got.Keys, c.want.Keys) || got.Unknown != c.want.Unknown || got.Unsealed != 6 || got.Marks != 6 {
				t.Errorf("%s: %+v, %v, want %+v, 6 unsealed, 6 marks", name, got, err, c.want)
			}
		}
	})
}

// A user's record is sealed by the key that was in front at his last login, and
// may be the last one that is. It is no session.
func TestCountKeysOfUsersRecords(t *testing.T) {
	sitetest.EachStore(t, func(t *testing.T, records store.Store) {
		before := sitetest.NewOn(t, records, plain(keyA))
		session := before.Browser(t)
		session.OK(login("ada"))
		after := sitetest.NewOn(t, records, plain(keyB, keyA))
		count := func(when string, byB, byA int) {
			t.Helper()
			n, err := after.Manager.CountKeys(t.Context())
			if err != nil || n.Keys[0] != byB || n.Keys[1] != byA || n.Unknown+n.Unsealed != 0 {
				t.Errorf("%s: %+v, %v, want %d and %d", when, n, err, byB, byA)
			}
		}
		count("before", 0, 2)
		after.Holder(t, session.Ticket()).OK(func(s *cloakroom.Session) { s.Set("page", 1) })
		count("when the session has been used", 1, 1)
		if s, u := len(after.Records(t)), len(after.Users(t)); s != 1 || u != 1 {
			t.Errorf("%d sessions and %d users' records, want one of each", s, u)
		}
		after.Browser(t).OK(login("ada"))
		count("when the user has logged in elsewhere", 3, 0)
	})
}

func TestCountKeysSaysWhatItCannotDo(t *testing.T) {
	none := func(name string, m *cloakroom.Manager, want error, says string) {
		t.Helper()
		n, err := m.CountKeys(t.Context())
		if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "cloakroom: count keys: ") || n.Keys != nil || n.Unsealed != 0 {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
		if !strings.Contains(store.Advice(err), says) {
			t.Errorf("%s: advice %q, want one that says %q", name, store.Advice(err), says)
		}
	}
	none("sealed cookies", sitetest.NewSealed(t, cloakroom.Options{}).Manager, cloakroom.ErrUnsupported, "A cookie ends")
	m, err := cloakroom.New(struct{ store.Store }{sitetest.Memory(t)}, cloakroom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	none("a store that lists nothing", m, cloakroom.ErrUnsupported, "Wait for as long")

	s := sitetest.New(t, plain(keyA))
	s.Known(t)
	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpList, AnswerLost: true, Err: store.WithAdvice(sitetest.ErrRefused, "see the server")})
	none("a store that fails at the end", s.Manager, sitetest.ErrRefused, "see the server")
}

// The walk ends with its context, also where the store does not look at it.
func TestCountKeysEndsWithItsContext(t *testing.T) {
	s := &long{Store: sitetest.Memory(t), record: sealer(t, keyA).Seal(nil, bytes.Repeat([]byte("x"), 1<<10), "")}
	m, err := cloakroom.New(s, plain(keyA))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.after = cancel
	if _, err := m.CountKeys(ctx); !errors.Is(err, ctx.Err()) || ctx.Err() == nil {
		t.Errorf("CountKeys: %v", err)
	}
}

// long is a store with very many records, whose walk does not look at its context.
type long struct {
	store.Store
	record []byte
	after  func() // called with the thousandth record
}

func (s *long) List(context.Context, string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for n := 0; n < 1<<16 && yield(store.Entry{Record: store.Record{Data: s.record}}, nil); n++ {
			if n == 1000 {
				s.after()
			}
		}
	}
}

// A list that was meant to hold keys and holds none would leave records in the
// clear.
func TestRecordKeysWithoutKeys(t *testing.T) {
	_, err := cloakroom.New(sitetest.Memory(t), cloakroom.Options{RecordKeys: [][]byte{}})
	if err == nil || !strings.Contains(err.Error(), "RecordKeys") {
		t.Errorf("New: %v", err)
	}
}

// The log and the hook name the session whose record could not be had.
func TestFailedLoadsNameTheSession(t *testing.T) {
	records := sitetest.Memory(t)
	handles := map[string]string{}
	for name, c := range map[string]struct {
		keys   [][]byte
		broken bool
	}{"unknown key": {[][]byte{keyB}, false}, "not sealed here": {nil, false}, "store down": {[][]byte{keyA}, true}} {
		known := sitetest.NewOn(t, records, plain(keyA)).Known(t)
		o := plain(c.keys...)
		if c.keys == nil {
			o.RecordKeys = nil
		}
		o.Hooks.Error = func(_ context.Context, ev cloakroom.Event) { handles[name] = ev.Handle }
		faulty := cloakroomtest.NewFaulty(records)
		m, err := cloakroom.New(faulty, o)
		if err != nil {
			t.Fatal(err)
		}
		if c.broken {
			faulty.Inject(cloakroomtest.Fault{Err: sitetest.ErrRefused})
		}
		if _, err := m.Open(t.Context(), cloakroom.Ticket(known.Ticket())); err == nil {
			t.Errorf("%s: no error", name)
		}
		if want := cloakroom.HandleOf(plainKey + known.Ticket()); handles[name] != want {
			t.Errorf("%s: the hook has %q, want %q", name, handles[name], want)
		}
	}
}
