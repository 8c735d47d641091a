package filestore

import (
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// DefaultCache is how many bytes of records are kept in memory where [Options]
// does not say: 32 MiB, or about 25 000 sessions of 1 kB.
const DefaultCache = 32 << 20

// A record that was read or written is kept in memory, next to what the system
// says about its file without reading it: its stamp. Each call that could use
// it asks for the stamp anew, which is one system call, and reads the file if
// it is another one.
//
// That is right only if two versions of a record never have the same stamp.
// By what a file system does by itself, they can: its clock stands still for
// milliseconds or seconds, and a number of an inode is used again at once. So
// whoever writes a version sets the file's modification time: to the second
// at which he does, with the token, modulo a second, for nanoseconds. A touch
// leaves the token, and sets a later second. A file whose time does not end
// with its token is none that we know the last writer of, or on a file system
// that cannot hold such a time, and is not kept.
//
// A touch writes into the file, at which the system takes that mark away
// before the first byte changes; the mark comes back when all bytes have
// changed. Who reads the stamp and then the bytes has either bytes that belong
// to the stamp, or a stamp that the file will never have again.
//
// The stamp also holds the time of the inode's last change, which nobody can
// set: it tells when somebody else has altered a file and put its modification
// time back.
//
// Only file systems of this machine are trusted to tell the truth at once, see
// localDevice. Those of a network have stamps that are seconds old.
type cache struct {
	segments [cacheSegments]segment
}

const (
	cacheSegments = 16
	keptCost      = 350 // bytes that a record takes besides its data, about
)

// A segment is a part of the cache with a lock of its own.
type segment struct {
	mu    sync.Mutex
	limit int // of size, in bytes
	size  int
	kept  map[name]*kept
	ring  kept // in the order of use; ring.next was used last
}

// kept is a record in the cache. It does not change but for its place in the
// ring.
type kept struct {
	name       name
	stamp      stamp
	record     store.Record
	prev, next *kept
}

// stamp is what the system says about a file without reading it.
type stamp struct {
	dev, ino     uint64
	size         int64
	mtime, ctime instant
}

// instant is a time as file systems have it.
type instant struct {
	sec  int64
	nsec uint32
}

// markOf is the part of a file's modification time that says which version of
// a record it holds.
func markOf(token uint64) uint32 { return uint32(token % uint64(time.Second)) }

// newCache returns a cache for so many bytes, nil if there are none.
func newCache(limit int) *cache {
	if limit <= 0 {
		return nil
	}
	c := &cache{}
	for i := range c.segments {
		g := &c.segments[i]
		g.limit, g.kept = limit/cacheSegments, map[name]*kept{}
		g.ring.prev, g.ring.next = &g.ring, &g.ring
	}
	return c
}

func (c *cache) segment(n *name) *segment { return &c.segments[unhex(n[nameSize-1])] }

// get returns what is kept of a record, or nil.
func (c *cache) get(n *name) *kept {
	if c == nil {
		return nil
	}
	g := c.segment(n)
	g.mu.Lock()
	defer g.mu.Unlock()
	k := g.kept[*n]
	if k != nil {
		k.leave()
		g.enter(k)
	}
	return k
}

// put keeps a record, and lets go of those that were used longest ago to make
// room. A record that would take a quarter of the room is not kept.
func (c *cache) put(n *name, st stamp, r store.Record) {
	g := c.segment(n)
	k := &kept{name: *n, stamp: st, record: r}
	g.mu.Lock()
	defer g.mu.Unlock()
	if old := g.kept[*n]; old != nil {
		g.remove(old)
	}
	if k.cost() > g.limit/4 {
		return
	}
	g.kept[*n] = k
	g.enter(k)
	for g.size += k.cost(); g.size > g.limit; {
		g.remove(g.ring.prev)
	}
}

// drop lets go of a record.
func (c *cache) drop(n *name) {
	if c == nil {
		return
	}
	g := c.segment(n)
	g.mu.Lock()
	defer g.mu.Unlock()
	if k := g.kept[*n]; k != nil {
		g.remove(k)
	}
}

func (g *segment) remove(k *kept) {
	delete(g.kept, k.name)
	g.size -= k.cost()
	k.leave()
}

// enter makes k the one that was used last.
func (g *segment) enter(k *kept) {
	k.prev, k.next = &g.ring, g.ring.next
	k.prev.next, k.next.prev = k, k
}

func (k *kept) leave() { k.prev.next, k.next.prev = k.next, k.prev }

func (k *kept) cost() int { return keptCost + cap(k.record.Data) }

// known returns the record of a name if it is kept and its file is still the
// same.
func (s *Store) known(p *page, n *name) (store.Record, bool) {
	k := s.cache.get(n)
	if k == nil {
		return store.Record{}, false
	}
	p.path = s.appendPath(p.path[:0], n)
	st, err := stampAt(p.path)
	if s.stillClock {
		st.ctime = instant{}
	}
	if err != nil || st != k.stamp {
		s.cache.drop(n)
		return store.Record{}, false
	}
	return k.record, true
}

// keeps reports whether records of this directory are kept at all.
func (s *Store) keeps() bool { return s.keptDevice.Load() != 0 }

// stampOf is the stamp of a record's file, if that can be trusted.
func (s *Store) stampOf(fd int) (stamp, bool) {
	device := s.keptDevice.Load()
	if device == 0 {
		return stamp{}, false
	}
	st, err := stampOf(fd)
	if s.stillClock {
		st.ctime = instant{}
	}
	return st, err == nil && st.dev == device
}

// keep keeps a record whose file had the stamp st before it was read, or after
// it was written.
func (s *Store) keep(n *name, st stamp, r store.Record) {
	if st.mtime.nsec == markOf(r.Token) {
		s.cache.put(n, st, r)
	}
}

// mark sets the modification time of the file that holds a version of a
// record, to a later one than before.
func (s *Store) mark(fd int, token uint64, before int64) {
	// If it fails, the file's time does not end with the token, and the record
	// is not kept.
	_ = setModified(fd, max(time.Now().Unix(), before+1), markOf(token))
}

// judgeDevice finds out whether the directory is on a file system whose stamps
// can be trusted.
func (s *Store) judgeDevice() {
	device := uint64(0)
	if s.cache != nil {
		device = localDevice(s.dir)
	}
	s.keptDevice.Store(device)
}
