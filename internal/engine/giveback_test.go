package engine_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/internal/wire/wiretest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// What Set takes Get gives back, or Set refuses it.

// A shelf keeps one value in one session.
type shelf struct {
	m       *cloakroom.Manager
	records *memstore.Store
	codec   codec.Codec
}

func newShelf(t testing.TB, c codec.Codec) shelf {
	records := memstore.New(memstore.Options{})
	m, err := cloakroom.New(records, cloakroom.Options{PlainIDs: true, Codec: c, Lifetime: cloakroom.NoLimit, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return shelf{m, records, c}
}

// keep sets v, commits, and reads the record into a variable of v's type. It
// reports false if v was refused, which has to be an ErrType or ErrLimit.
func (s shelf) keep(t testing.TB, v reflect.Value) (got reflect.Value, ok bool) {
	t.Helper()
	session, err := s.m.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	session.Set("v", v.Interface())
	if err := session.Err(); err != nil {
		if !errors.Is(err, codec.ErrType) && !errors.Is(err, codec.ErrLimit) && !errors.Is(err, codec.ErrMalformed) {
			t.Fatalf("%s: a %s is refused with %v", s.codec.Name(), v.Type(), err)
		}
		return got, false
	}
	ticket, err := s.m.Commit(t.Context(), session)
	if err != nil {
		t.Fatalf("%s: Set took a %s, Commit answers %v", s.codec.Name(), v.Type(), err)
	}
	record, err := s.records.Load(t.Context(), cloakroom.DefaultKeyPrefix+string(ticket))
	if err != nil {
		t.Fatal(err)
	}
	fields, err := s.codec.Split(nil, record.Data)
	i := slices.IndexFunc(fields, func(f codec.Field) bool { return string(f.Name) == "v" })
	if err != nil || i < 0 {
		t.Fatalf("%s: %d fields, %v", s.codec.Name(), len(fields), err)
	}
	p := reflect.New(v.Type())
	if err := s.codec.Unmarshal(fields[i].Raw, p.Interface()); err != nil {
		t.Fatalf("%s: Set took a %s, which Get does not find: %v", s.codec.Name(), v.Type(), err)
	}
	return p.Elem(), true
}

// check keeps a random value, which the seeds stand for.
func (s shelf) check(t testing.TB, seed1, seed2 uint64, odd bool) (taken bool) {
	t.Helper()
	v := wiretest.Maker{Rand: rand.New(rand.NewPCG(seed1, seed2)), Odd: odd}.Value()
	if v.Kind() == reflect.Interface {
		if v = v.Elem(); !v.IsValid() {
			return true
		}
	}
	got, ok := s.keep(t, v)
	if !ok {
		return false
	}
	if want, got := wiretest.Spell(v, 1), wiretest.Spell(got, 1); got != want {
		t.Fatalf("%s: seed %d, %d: of a %s\n%s\nbecame\n%s", s.codec.Name(), seed1, seed2, v.Type(), want, got)
	}
	return true
}

func TestRandomValuesComeBack(t *testing.T) {
	rounds := uint64(4_000)
	if testing.Short() {
		rounds = 500
	}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON, &wrapped{codec.JSON}} {
		s := newShelf(t, c)
		var taken, plain uint64
		for i := range rounds {
			if s.check(t, i, 1, true) {
				taken++
			}
			if s.check(t, i, 2, false) {
				plain++
			}
		}
		if taken < rounds/3 || taken > rounds-rounds/10 {
			t.Errorf("%s: took %d values of %d", c.Name(), taken, rounds)
		}
		if c == codec.MsgPack && plain != rounds || plain < rounds*8/10 { // JSON has no NaN
			t.Errorf("%s: took %d plain values of %d", c.Name(), plain, rounds)
		}
	}
}

func FuzzValuesComeBack(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, seed1, seed2 uint64) {
		for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
			newShelf(t, c).check(t, seed1, seed2, true)
		}
	})
}

type (
	Role   interface{ May(string) bool }
	Admin  struct{ Name string }
	logged struct {
		ID   int
		Role Role
	}
	withAny struct{ V any }
	secret  struct {
		Name string
		Hash string `json:"-"`
	}
	private struct {
		Name string
		hash string
	}
	// redacted writes itself as another value.
	redacted string
	// nothing writes itself as nil.
	nothing struct{ Text string }
	stamped struct {
		time.Time
		Name string
	}
	ring struct {
		*ring
		Name string
	}
	withRole struct{ Role }
)

func (Admin) May(string) bool { return true }

func (redacted) MarshalText() ([]byte, error)    { return []byte("***"), nil }
func (nothing) MarshalJSON() ([]byte, error)     { return []byte("null"), nil }
func (*nothing) UnmarshalJSON([]byte) error      { return nil }
func (nothing) MarshalText() ([]byte, error)     { return nil, nil }
func (*nothing) UnmarshalText(b []byte) error    { return nil }
func (r *redacted) UnmarshalText(b []byte) error { *r = redacted(b); return nil }

func TestValuesThatWouldNotComeBack(t *testing.T) {
	nilSlice := []string(nil)
	twice := map[any]any{1: "a", int8(1): "b"}
	for name, v := range map[string]any{
		"an interface in a struct":         logged{1, Admin{sitetest.Hush}},
		"a struct in any":                  withAny{Admin{sitetest.Hush}},
		"a named string in any":            map[string]any{"x": time.Saturday},
		"a slice of strings in any":        []any{[]string{"a"}},
		"a pointer in any":                 []any{&nilSlice, new(int)},
		"deep in any":                      map[string]any{"x": []any{map[string]any{"y": Admin{}}}},
		"a field with the tag -":           secret{"a", sitetest.Hush},
		"a field that is not exported":     private{"a", sitetest.Hush},
		"one in a list":                    []private{{}, {"a", sitetest.Hush}},
		"text that is another one":         redacted(sitetest.Hush),
		"a value that writes nothing":      nothing{sitetest.Hush},
		"a pointer to a nil slice":         &nilSlice,
		"an embedded type that writes all": stamped{time.Unix(1, 0), sitetest.Hush},
		"a struct that embeds itself":      ring{&ring{Name: sitetest.Hush}, "b"},
		"an embedded interface":            withRole{Admin{"a"}},
		"keys that are written alike":      twice,
		"a channel":                        make(chan int),
		"a nil channel in a struct":        struct{ C chan int }{},
		"a function":                       func() {},
		"an error":                         withAny{errors.New("x")},
		"a shadowed field": struct {
			Admin
			Name int
		}{Admin{"a"}, 1},
		"pointers as keys": map[*int]int{new(int): 1},
	} {
		for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
			t.Run(name+"/"+c.Name(), func(t *testing.T) {
				s := sitetest.New(t, cloakroom.Options{Codec: c})
				s.Browser(t).Visit(func(session *cloakroom.Session) {
					session.Set("x", v)
					err := session.Err()
					if !errors.Is(err, cloakroom.ErrType) && !errors.Is(err, codec.ErrLimit) {
						t.Errorf("got error %v, want ErrType", err)
					} else if strings.Contains(err.Error(), sitetest.Hush) {
						t.Errorf("the error shows the value: %v", err)
					}
				})
			})
		}
	}
}

// Interface types come back as what nobody knows.
func TestKeysOfInterfaceTypes(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	s.Browser(t).Visit(func(s *cloakroom.Session) {
		cloakroom.Key[Role]("role").Set(s, Admin{"ada"})
		if err := s.Err(); !errors.Is(err, cloakroom.ErrType) || !strings.Contains(err.Error(), `"role" as engine_test.Role`) {
			t.Errorf("got error %v", err)
		}
	})
	b := s.Browser(t)
	b.OK(func(s *cloakroom.Session) { cloakroom.Key[any]("x").Set(s, Admin{"ada"}) })
	b.OK(func(s *cloakroom.Session) {
		if got, ok := cloakroom.Key[Admin]("x").Get(s); !ok || got.Name != "ada" {
			t.Errorf("got %v, %v", got, ok)
		}
	})
}

func TestOddValuesThatComeBack(t *testing.T) {
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		t.Run(c.Name(), func(t *testing.T) {
			b := sitetest.New(t, cloakroom.Options{Codec: c}).Browser(t)
			b.OK(sitetest.SetUser)
			roundTrip(t, b, secret{Name: "a"})
			roundTrip(t, b, private{Name: "a"})
			roundTrip(t, b, logged{ID: 1})
			roundTrip(t, b, withAny{})
			roundTrip(t, b, withAny{map[string]any{"a": []any{"b", 1.5, nil, true, int64(5), uint64(math.MaxUint64)}}})
			roundTrip(t, b, map[string]any{"a": "caf\xe9", "caf\xe9": "b"})
			roundTrip(t, b, url.Values{"caf\xe9": {"x", "\xff"}, "caf\xe8": {"y"}})
			roundTrip(t, b, "caf\xe9")
			roundTrip(t, b, netip.MustParseAddr("::1"))
			roundTrip(t, b, []any{nil, []any{}, map[string]any{}})
			roundTrip(t, b, (*int)(nil))
			roundTrip(t, b, map[any]any{"a": int64(1)})
			roundTrip(t, b, *big.NewInt(7))
			b.OK(func(s *cloakroom.Session) { s.Set("any", "caf\xe9") })
			b.OK(func(s *cloakroom.Session) {
				if got := s.Get("any"); got != "caf\xe9" {
					t.Errorf("got %#v", got)
				}
			})
		})
	}
}

// A refused value names its Key, and what Update returns is held to the same.
func TestRefusalsNameTheKey(t *testing.T) {
	key := cloakroom.Key[secret]("account")
	for name, use := range map[string]func(*cloakroom.Session){
		"set":    func(s *cloakroom.Session) { key.Set(s, secret{"a", sitetest.Hush}) },
		"update": func(s *cloakroom.Session) { key.Update(s, func(secret) secret { return secret{"a", sitetest.Hush} }) },
	} {
		s := sitetest.New(t, cloakroom.Options{})
		s.Browser(t).Visit(func(s *cloakroom.Session) {
			use(s)
			want := fmt.Sprintf(`cloakroom: %s "account" as engine_test.secret: type mismatch: the field Hash of engine_test.secret is not written, or not read back, and not zero`, name)
			if err := s.Err(); err == nil || err.Error() != want {
				t.Errorf("got error %v, want %s", err, want)
			}
		})
		if lines := s.Log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "docs/values.md") || strings.Contains(lines[0], sitetest.Hush) {
			t.Errorf("%s: logged %q", name, lines)
		}
	}
}

// What visitors choose belongs into a map, not into the names of values.
func TestNamesThatAreNotUTF8(t *testing.T) {
	for name, use := range map[string]func(*cloakroom.Session){
		"set":    func(s *cloakroom.Session) { s.Set("\xff"+sitetest.Hush, 1) },
		"update": func(s *cloakroom.Session) { cloakroom.Key[int]("\xff").Update(s, func(int) int { return 1 }) },
	} {
		s := sitetest.New(t, cloakroom.Options{})
		b := s.Known(t)
		b.Visit(func(s *cloakroom.Session) {
			use(s)
			if err := s.Err(); !errors.Is(err, cloakroom.ErrType) || strings.Contains(err.Error(), sitetest.Hush) {
				t.Errorf("%s: got error %v", name, err)
			}
		})
		b.OK(func(s *cloakroom.Session) {
			if s.Get("\xff") != nil || s.Pop("\xff") != nil || s.Has("\xff") || s.Len() != 1 {
				t.Errorf("%s: the session has %q", name, s.Keys())
			}
		})
	}
}

// Whatever a visitor sends, the session can be read and saved afterwards.
func TestHostileTextLocksNoSession(t *testing.T) {
	form := url.Values{"caf\xe9": {"\xff", "\xed\xa0\x80"}, "\x00": {""}, "data:;charset=unknown-8bit;base64,/w==": {"x"}}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON, &wrapped{codec.JSON}} {
		t.Run(c.Name(), func(t *testing.T) {
			b := sitetest.New(t, cloakroom.Options{Codec: c}).Browser(t)
			b.OK(func(s *cloakroom.Session) {
				s.Set("form", form)
				s.Set("untyped", map[string]any{"caf\xe9": "\xff"})
				s.Flash("caf\xe9", "\xff")
			})
			for range 2 {
				b.OK(func(s *cloakroom.Session) {
					if got, ok := cloakroom.Key[url.Values]("form").Get(s); !ok || !reflect.DeepEqual(got, form) {
						t.Errorf("got %q, %v", got, ok)
					}
					cloakroom.Key[url.Values]("form").Update(s, func(f url.Values) url.Values { f.Set("\xfe", "x"); f.Del("\xfe"); return f })
					if got := s.Get("untyped"); !reflect.DeepEqual(got, map[string]any{"caf\xe9": "\xff"}) {
						t.Errorf("got %#v", got)
					}
					if got := s.Flashes(); len(got) != 1 || got[0] != (cloakroom.Flash{Category: "caf\xe9", Message: "\xff"}) {
						t.Errorf("got %q", got)
					}
					s.Flash("caf\xe9", "\xff")
				})
			}
		})
	}
}
