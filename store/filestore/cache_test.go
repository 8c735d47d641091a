package filestore

import (
	"fmt"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

// keepNothing makes a store read the file each time.
func keepNothing(s *Store) {
	s.cache = nil
	s.judgeDevice()
}

// sized is a record whose cost in a cache is size.
func sized(size int) store.Record { return store.Record{Data: make([]byte, size-keptCost)} }

// inSegment returns n names that are in one segment.
func inSegment(n int) (names []name) {
	for i := 0; len(names) < n; i++ {
		if one := nameOf(fmt.Sprint(i)); one[nameSize-1] == '0' {
			names = append(names, one)
		}
	}
	return names
}

func TestCacheIsBounded(t *testing.T) {
	const limit = 30_000
	c := newCache(limit * cacheSegments)
	for i := range 1000 {
		n := nameOf(fmt.Sprint(i))
		c.put(&n, stamp{}, sized(keptCost+i))
	}
	total, records := 0, 0
	for i := range c.segments {
		g := &c.segments[i]
		size, back := 0, 0
		for k := g.ring.next; k != &g.ring; k = k.next {
			size += k.cost()
			records++
		}
		for k := g.ring.prev; k != &g.ring; k = k.prev {
			back++
		}
		if size != g.size || size > limit || len(g.kept) != back {
			t.Errorf("segment %d: %d bytes, counted %d, limit %d; %d records, %d in the ring", i, size, g.size, limit, len(g.kept), back)
		}
		total += size
	}
	if records == 1000 || total < limit*cacheSegments/2 {
		t.Errorf("%d records of %d bytes are kept: the test fills nothing", records, total)
	}
}

func TestCacheLetsGoOfTheLeastRecentlyUsed(t *testing.T) {
	c := newCache(4000 * cacheSegments)
	names := inSegment(6)
	has := func() (s string) {
		for i := range names {
			if g := c.segment(&names[i]); g.kept[names[i]] != nil {
				s += fmt.Sprint(i)
			}
		}
		return s
	}
	for i := range 4 {
		c.put(&names[i], stamp{}, sized(1000))
	}
	c.get(&names[0])
	for _, step := range []struct {
		what string
		do   func()
		want string
	}{
		{"one more than fits", func() { c.put(&names[4], stamp{}, sized(1000)) }, "0234"},
		{"the same again", func() { c.put(&names[4], stamp{}, sized(1000)) }, "0234"},
		{"too large for a quarter", func() { c.put(&names[5], stamp{}, sized(1001)) }, "0234"},
		{"what is kept becomes too large", func() { c.put(&names[2], stamp{}, sized(1001)) }, "034"},
		{"dropped", func() { c.drop(&names[3]) }, "04"},
		{"dropped twice", func() { c.drop(&names[3]) }, "04"},
		{"room again", func() { c.put(&names[5], stamp{}, sized(1000)) }, "045"},
	} {
		step.do()
		if got := has(); got != step.want {
			t.Errorf("%s: records %s are kept, want %s", step.what, got, step.want)
		}
	}
}

func TestNoCacheWhereNoneIsWanted(t *testing.T) {
	s := open(t, t.TempDir(), Options{Cache: -1, SweepInterval: -1})
	put(t, s, "k", "v")
	wants(t, s, "k", "v")
	if s.cache != nil || s.keeps() {
		t.Error("a store without a cache has one")
	}
}
