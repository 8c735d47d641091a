package engine_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// As many values as a record may have, set, read, changed and deleted each in
// one request. If any of it took the square of that, the test would take
// minutes.
func TestManyValuesOfOneSession(t *testing.T) {
	const n = codec.MaxFields - 10
	prefix := strings.Repeat("a name that a visitor has chosen ", 8)
	b := sitetest.New(t, cloakroom.Options{MaxSize: codec.MaxSize}).Browser(t)
	key := func(i int) cloakroom.Key[int] { return cloakroom.Key[int](fmt.Sprint(prefix[:100], i)) }
	each := func(do func(s *cloakroom.Session, i int)) {
		b.OK(func(s *cloakroom.Session) {
			for i := range n {
				do(s, i)
			}
		})
	}
	each(func(s *cloakroom.Session, i int) { key(i).Set(s, i) })
	each(func(s *cloakroom.Session, i int) {
		if got, ok := key(i).Get(s); got != i || !ok {
			t.Fatalf("value %d is %d, %v", i, got, ok)
		}
		if s.Has("x" + string(key(i))) {
			t.Fatal("a value that nobody set is there")
		}
	})
	each(func(s *cloakroom.Session, i int) { key(i).Update(s, func(v int) int { return v + 1 }) })
	b.OK(func(s *cloakroom.Session) {
		seen := 0
		for name, v := range s.All() {
			if name != string(key(seen)) || v != int64(seen+1) {
				t.Fatalf("value %d is %v", seen, v)
			}
			seen++
		}
		if seen != n {
			t.Errorf("%d values", seen)
		}
	})
	each(func(s *cloakroom.Session, i int) {
		if i%2 == 0 {
			s.Delete(string(key(i)))
		} else {
			key(i).Pop(s)
		}
	})
	b.OK(func(s *cloakroom.Session) {
		if s.Len() != 0 {
			t.Errorf("%d values are left", s.Len())
		}
	})
}

// What a request holds in memory for a record full of messages is a few times
// the record.
func TestMemoryOfManyFlashes(t *testing.T) {
	for name, message := range map[string]string{
		"pairs": "\x92\xa1a\xa1b", "numbers": "\x07",
	} {
		n := (codec.MaxSize - 100) / len(message)
		list := binary.BigEndian.AppendUint32([]byte{0xdd}, uint32(n))
		list = append(list, strings.Repeat(message, n)...)
		data, err := codec.MsgPack.Join(nil, []codec.Field{{Name: []byte("_flashes"), Raw: list}})
		if err != nil {
			t.Fatal(err)
		}
		s, key := sitetest.NewForeign(t, codec.MsgPack)
		s.PlantData(t, key, string(data))
		session := s.Open(t, sitetest.Dead)
		before := heap()
		got := session.Flashes()
		if held := heap() - before; len(got) != 1<<20 || held > 128<<20 {
			t.Errorf("%s: %d MB for %d messages of a record of %d MB", name, held>>20, len(got), len(data)>>20)
		}
		runtime.KeepAlive(got)
		runtime.KeepAlive(session)
	}
}

// heap returns how much memory is in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
