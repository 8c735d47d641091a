package engine_test

import (
	"errors"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

type item struct {
	Name  string `msgpack:"n" json:"n"`
	Count int    `msgpack:"c,omitempty" json:"c,omitempty"`
}

type cart struct {
	Items []item
	Note  *string `json:"note"`
}

// roundTrip sets v in one request and gets it in the next.
func roundTrip[T any](t *testing.T, b *sitetest.Browser, v T) {
	t.Helper()
	key := cloakroom.Key[T]("x")
	check := func(s *cloakroom.Session) {
		t.Helper()
		if got, ok := key.Get(s); !ok || !reflect.DeepEqual(got, v) {
			t.Errorf("%T: %v, %v, want %v", v, got, ok, v)
		}
	}
	b.OK(func(s *cloakroom.Session) { key.Set(s, v); check(s) })
	b.OK(check)
	b.OK(func(s *cloakroom.Session) {
		if got, ok := key.Pop(s); !ok || !reflect.DeepEqual(got, v) {
			t.Errorf("%T popped: %v, %v, want %v", v, got, ok, v)
		}
		if _, ok := key.Get(s); ok || s.Has("x") {
			t.Errorf("%T: still there after Pop", v)
		}
		if got, ok := key.Pop(s); ok || !reflect.ValueOf(&got).Elem().IsZero() {
			t.Errorf("%T: popped twice", v)
		}
	})
	b.OK(func(s *cloakroom.Session) {
		if s.Has("x") {
			t.Errorf("%T: back after Pop", v)
		}
	})
}

func TestTypedValuesComeBack(t *testing.T) {
	note := sitetest.Hush + "note"
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		t.Run(c.Name(), func(t *testing.T) {
			b := sitetest.New(t, cloakroom.Options{Codec: c}).Browser(t)
			b.OK(sitetest.SetUser) // so that the session is never empty
			roundTrip(t, b, "text")
			roundTrip(t, b, "")
			roundTrip(t, b, true)
			roundTrip(t, b, false)
			roundTrip(t, b, -7)
			roundTrip(t, b, int8(-128))
			roundTrip(t, b, int64(math.MinInt64))
			roundTrip(t, b, uint64(math.MaxUint64))
			roundTrip(t, b, 2.5)
			roundTrip(t, b, float32(0.25))
			roundTrip(t, b, []byte{0, 1, 0xff})
			roundTrip(t, b, []string{"a", "b"})
			roundTrip(t, b, []any{"a", int64(1), nil, []any{true}})
			roundTrip(t, b, map[string]int{"a": 1, "b": 2})
			roundTrip(t, b, map[string][]item{"a": {{Name: "x"}}})
			roundTrip(t, b, [2]int{1, 2})
			roundTrip(t, b, time.Date(2024, 2, 29, 12, 0, 0, 5000, time.UTC))
			roundTrip(t, b, cart{Items: []item{{Name: "x", Count: 2}, {Name: "y"}}, Note: &note})
			roundTrip(t, b, &item{Name: "x", Count: 3})
		})
	}
}

func TestUntypedValues(t *testing.T) {
	b := sitetest.New(t, cloakroom.Options{}).Browser(t)
	b.OK(func(s *cloakroom.Session) {
		s.Set("int", 7)
		s.Set("uint", uint64(math.MaxUint64))
		s.Set("float", float32(0.5))
		s.Set("list", []string{"a"})
		s.Set("struct", item{Name: "x", Count: 2})
		s.Set("nil", nil)
		s.Set("", "a name may be empty")
	})
	b.OK(func(s *cloakroom.Session) {
		for name, want := range map[string]any{
			"int": int64(7), "uint": uint64(math.MaxUint64), "float": 0.5, "list": []any{"a"},
			"struct": map[string]any{"n": "x", "c": int64(2)}, "nil": nil, "missing": nil, "": "a name may be empty",
		} {
			if got := s.Get(name); !reflect.DeepEqual(got, want) {
				t.Errorf("%q: %#v, want %#v", name, got, want)
			}
			if got := s.Has(name); got != (name != "missing") {
				t.Errorf("Has(%q): %v", name, got)
			}
		}
		if v := s.Pop("int"); v != int64(7) || s.Has("int") {
			t.Errorf("Pop: %v, Has %v", v, s.Has("int"))
		}
	})
}

// What is in the session is what was set, whatever happens to the value later.
func TestValuesAreSnapshots(t *testing.T) {
	b := sitetest.New(t, cloakroom.Options{}).Browser(t)
	list := cloakroom.Key[[]string]("list")
	b.OK(func(s *cloakroom.Session) {
		mine := []string{"a"}
		list.Set(s, mine)
		mine[0] = "changed after Set"
		got, _ := list.Get(s)
		got[0] = "changed after Get"
		list.Update(s, func(l []string) []string { mine = append(l, "b"); return mine })
		mine[1] = "changed after Update"
	})
	b.OK(func(s *cloakroom.Session) {
		got, _ := list.Get(s)
		sitetest.Equal(t, "list", got, "a", "b")
	})
}

func TestValueOfAnotherType(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	s.Log.Events()
	b.OK(func(session *cloakroom.Session) {
		if n, ok := cloakroom.Key[int]("user").Get(session); n != 0 || ok {
			t.Errorf("Get: %d, %v", n, ok)
		}
		if n, ok := cloakroom.Key[bool]("user").Pop(session); n || ok {
			t.Errorf("Pop: %v, %v", n, ok)
		}
		if c, ok := cloakroom.Key[cart]("user").Get(session); c.Items != nil || ok {
			t.Errorf("Get: %v, %v", c, ok)
		}
		if session.Modified() || session.Err() != nil {
			t.Errorf("Modified %v, Err %v", session.Modified(), session.Err())
		}
	})
	for i, e := range s.Log.Take() {
		if i > 0 && (e.Name != "Error" || !errors.Is(e.Err, cloakroom.ErrType)) {
			t.Errorf("event: %s %v", e.Name, e.Err)
		}
	}
	lines := s.Log.Lines()
	if len(lines) != 3 || !strings.Contains(lines[0], `get "user" as int`) {
		t.Errorf("logged %q", lines)
	}
	b.OK(func(s *cloakroom.Session) {
		if got, _ := sitetest.User.Get(s); got != sitetest.Hush+"ada" {
			t.Errorf("the value is %q now", got)
		}
	})
}

// Update begins anew where Get finds nothing.
func TestUpdateOfAValueOfAnotherType(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	s.Log.Take()
	user := cloakroom.Key[[]item]("user")
	b.OK(func(s *cloakroom.Session) {
		user.Update(s, func(l []item) []item { return append(l, item{Name: "hat", Count: len(l)}) })
		user.Update(s, func(l []item) []item { return append(l, item{Name: "coat", Count: len(l)}) })
	})
	sitetest.Equal(t, "events", s.Log.Events(), "Loaded", "Error", "Saved")
	lines := s.Log.Lines()
	if len(lines) != 1 || !strings.Contains(lines[0], `cloakroom: update "user" as []engine_test.item: `) {
		t.Errorf("logged %q", lines)
	}
	b.OK(func(s *cloakroom.Session) {
		if got, _ := user.Get(s); !reflect.DeepEqual(got, []item{{Name: "hat"}, {Name: "coat", Count: 1}}) {
			t.Errorf("got %v", got)
		}
	})
}

// What somebody else has set meanwhile may be of another type, too.
func TestUpdateMeetsAValueOfAnotherType(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	n := cloakroom.Key[int]("n")
	b.OK(func(session *cloakroom.Session) { n.Set(session, 7) })
	b.OK(func(session *cloakroom.Session) {
		n.Update(session, func(n int) int { return n + 1 })
		s.Holder(t, b.Ticket()).OK(func(s *cloakroom.Session) { s.Set("n", []string{"a"}) })
	})
	b.OK(func(s *cloakroom.Session) {
		if got, ok := n.Get(s); got != 1 || !ok {
			t.Errorf("n is %d, %v, want 1", got, ok)
		}
	})
}

func TestEmptyNameIsAName(t *testing.T) {
	b := sitetest.New(t, cloakroom.Options{Lifetime: cloakroom.NoLimit}).Browser(t)
	b.OK(func(s *cloakroom.Session) { s.Set("", "nameless") })
	b.OK(func(s *cloakroom.Session) {
		if got := s.Get(""); got != "nameless" {
			t.Errorf("value = %v", got)
		}
	})
}

func TestKeysAndAllAreInOrder(t *testing.T) {
	b := sitetest.New(t, cloakroom.Options{}).Browser(t)
	keys := func(s *cloakroom.Session, names ...string) {
		t.Helper()
		sitetest.Equal(t, "Keys", s.Keys(), names...)
		var all []string
		for name, v := range s.All() {
			all = append(all, name)
			if v != "v-"+name {
				t.Errorf("All: %s is %v", name, v)
			}
		}
		sitetest.Equal(t, "All", all, names...)
		if s.Len() != len(names) {
			t.Errorf("Len: %d", s.Len())
		}
	}
	set := func(s *cloakroom.Session, names ...string) {
		for _, name := range names {
			s.Set(name, "v-"+name)
		}
	}
	b.OK(func(s *cloakroom.Session) { keys(s); set(s, "z", "a", "m"); keys(s, "z", "a", "m") })
	b.OK(func(s *cloakroom.Session) {
		set(s, "b", "a")
		s.Delete("z")
		s.Delete("missing")
		keys(s, "a", "m", "b")
	})
	b.OK(func(s *cloakroom.Session) {
		keys(s, "a", "m", "b")
		s.Clear()
		keys(s)
		set(s, "m", "x")
		keys(s, "m", "x")
	})
	b.OK(func(s *cloakroom.Session) {
		keys(s, "m", "x")
		for name := range s.All() {
			if name != "m" {
				t.Error("All goes on after a break")
			}
			break
		}
	})
}

func TestReservedNamesAreOutOfReach(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{Permanent: true})
	b := s.Browser(t)
	b.OK(func(s *cloakroom.Session) { sitetest.SetUser(s); s.Flash("a", "b"); s.Set("_mine", 1) })
	b.Visit(func(s *cloakroom.Session) {
		sitetest.Equal(t, "Keys", s.Keys(), "user", "_mine")
		s.Delete("_permanent")
		s.Delete("_flashes")
		s.Delete("_created")
		if s.Modified() {
			t.Error("a reserved name was deleted")
		}
		s.Set("_flashes", 1)
		if !errors.Is(s.Err(), cloakroom.ErrReserved) {
			t.Errorf("Err: %v", s.Err())
		}
	})
}

func TestWhatCannotBeEncodedFailsTheRequest(t *testing.T) {
	loop := map[string]any{}
	loop["self"] = loop
	for name, use := range map[string]func(*cloakroom.Session){
		"a function":     func(s *cloakroom.Session) { s.Set("x", func() {}) },
		"a channel":      func(s *cloakroom.Session) { cloakroom.Key[chan int]("x").Set(s, make(chan int)) },
		"a loop":         func(s *cloakroom.Session) { s.Set("x", loop) },
		"odd name":       func(s *cloakroom.Session) { s.Set("\xff", 1) },
		"from Update":    func(s *cloakroom.Session) { cloakroom.Key[any]("x").Update(s, func(any) any { return func() {} }) },
		"_created":       func(s *cloakroom.Session) { s.Set("_created", 1) },
		"_permanent":     func(s *cloakroom.Session) { s.Set("_permanent", true) },
		"_flashes":       func(s *cloakroom.Session) { cloakroom.Key[[]string]("_flashes").Set(s, nil) },
		"update of ours": func(s *cloakroom.Session) { cloakroom.Key[int]("_created").Update(s, func(int) int { return 1 }) },
	} {
		s := sitetest.New(t, cloakroom.Options{})
		a := s.Browser(t).Visit(func(s *cloakroom.Session) {
			sitetest.SetUser(s)
			use(s)
		})
		if a.StatusCode != http.StatusInternalServerError || a.Header.Get("Retry-After") != "" || a.Body != "Internal Server Error\n" || len(a.SetCookie) != 0 {
			t.Errorf("%s: got %v, Retry-After %q, Set-Cookie %q", name, a, a.Header.Get("Retry-After"), a.SetCookie)
		}
		sitetest.Equal(t, name+": store calls", s.Calls())
		sitetest.Equal(t, name+": events", s.Log.Events(), "Error")
		if n := len(s.Log.Lines()); n != 1 {
			t.Errorf("%s: %d lines logged", name, n)
		}
	}
}
