package memstore

import (
	"math/bits"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

const (
	// shardCount is into how many parts the records are divided, each with a
	// lock of its own. It is a power of two.
	shardCount = 256
	// pageSize is how many slots a page has. A page of 32 slots fills one of
	// the allocator's size classes exactly.
	pageSize = 32
	// overhead is what a record takes beside its bytes: the slot, and about
	// two places in the table, and what the allocator rounds up.
	overhead = 72
)

// shard is a part of the records: a dense list of slots, and a hash table
// whose chains run through them. The list has no gaps, because the last slot
// moves into the place of one that is removed. So a slot only ever moves to a
// lower number, and a walk from high to low numbers meets every record that
// was there from its beginning, with the lock released in between.
//
// A map from key to record cannot be left in the middle of a walk, and takes
// 280 to 330 bytes for a session that takes 220 here.
type shard struct {
	mu     sync.RWMutex
	heads  []uint32 // first slot of each chain plus 1; a power of two in length
	pages  []*[pageSize]slot
	n      uint32 // slots in use
	token  uint64 // the last one given to a record
	budget *budget
	_      [24]byte // keeps the locks of two shards off one cache line
}

// slot is one record.
type slot struct {
	content // the key and then the data; never changed once it is here
	token   uint64
	sec     int64  // expiry: seconds since 1970, and
	nsec    uint32 // nanoseconds, or never
	hash    uint32
	next    uint32 // next slot of the chain plus 1
	keyLen  uint8
}

const _ uint8 = store.MaxKey // or slot.keyLen is too small

// never in slot.nsec says that the record does not expire.
const never = 1 << 31

// maxPacked is up to which size the data of a record is copied, to lie in one
// piece of memory with its key. Larger data stays where the caller has it, who
// does not change it any more.
const maxPacked = 2048

// A content is what a slot holds of a record, made before the shard is locked
// so that nobody waits for the copying.
type content struct {
	buf   []byte
	large *[]byte
}

func pack(key string, data []byte) content {
	if len(data) > maxPacked {
		kept := data[:len(data):len(data)]
		return content{[]byte(key), &kept}
	}
	buf := make([]byte, 0, len(key)+len(data))
	return content{append(append(buf, key...), data...), nil}
}

// size is how much memory c takes.
func (c *content) size() int {
	if c.large != nil {
		return len(c.buf) + len(*c.large)
	}
	return len(c.buf)
}

// record returns the slot's record. The data is shared; its capacity ends
// with it, and an empty one is not nil.
func (sl *slot) record() store.Record {
	data := sl.buf[sl.keyLen:len(sl.buf):len(sl.buf)]
	if sl.large != nil {
		data = *sl.large
	}
	return store.Record{Data: data, Expires: sl.expires(), Token: sl.token}
}

func (sl *slot) expires() time.Time {
	if sl.nsec == never {
		return time.Time{}
	}
	return time.Unix(sl.sec, int64(sl.nsec))
}

func (sl *slot) setExpires(t time.Time) {
	if t.IsZero() {
		sl.sec, sl.nsec = 0, never
		return
	}
	sl.sec, sl.nsec = t.Unix(), uint32(t.Nanosecond())
}

// live reports whether the record has not expired.
func (sl *slot) live(now time.Time) bool {
	if sl.nsec == never {
		return true
	}
	sec := now.Unix()
	return sec < sl.sec || sec == sl.sec && uint32(now.Nanosecond()) < sl.nsec
}

// at returns slot i.
func (sh *shard) at(i uint32) *slot { return &sh.pages[i/pageSize][i%pageSize] }

// chain returns the head of the chain for hash.
func (sh *shard) chain(hash uint32) *uint32 { return &sh.heads[hash&uint32(len(sh.heads)-1)] }

// find returns the number of the slot of key, live or not.
func (sh *shard) find(hash uint32, key string) (uint32, bool) {
	if sh.n == 0 {
		return 0, false
	}
	for n := *sh.chain(hash); n != 0; {
		sl := sh.at(n - 1)
		if sl.hash == hash && string(sl.buf[:sl.keyLen]) == key {
			return n - 1, true
		}
		n = sl.next
	}
	return 0, false
}

// load returns the record of key, live or not, or the zero Record.
func (sh *shard) load(hash uint32, key string) store.Record {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	if i, ok := sh.find(hash, key); ok {
		return sh.at(i).record()
	}
	return store.Record{}
}

// findLive returns the number of the slot of key, and removes a record that
// has expired.
func (sh *shard) findLive(hash uint32, key string, now time.Time) (uint32, bool) {
	i, ok := sh.find(hash, key)
	if ok && !sh.at(i).live(now) {
		sh.remove(i)
		return 0, false
	}
	return i, ok
}

// add makes a slot for a key that has none and returns its number. The caller
// fills in the rest, and has taken the budget for it.
func (sh *shard) add(hash uint32, keyLen int) uint32 {
	if sh.n == uint32(len(sh.heads)) {
		sh.rehash(max(8, 2*len(sh.heads)))
	}
	if int(sh.n) == len(sh.pages)*pageSize {
		sh.pages = append(sh.pages, new([pageSize]slot))
	}
	i := sh.n
	sh.n++
	head := sh.chain(hash)
	*sh.at(i) = slot{hash: hash, next: *head, keyLen: uint8(keyLen)}
	*head = i + 1
	return i
}

// put fills slot i, for which the caller has taken the budget, with a new
// version, and returns it.
func (sh *shard) put(i uint32, c content, expires time.Time) store.Record {
	sl := sh.at(i)
	sh.token++ // never used again for this key, which always lives in this shard
	sl.content, sl.token = c, sh.token
	sl.setExpires(expires)
	return sl.record()
}

// remove removes the record in slot i and gives back its part of the budget.
func (sh *shard) remove(i uint32) {
	sh.budget.take(-sh.at(i).size() - overhead)
	sh.cut(i)
}

// cut removes the record in slot i, and moves the last slot there.
func (sh *shard) cut(i uint32) {
	*sh.link(i) = sh.at(i).next
	last := sh.n - 1
	if i != last {
		*sh.link(last) = i + 1
		*sh.at(i) = *sh.at(last)
	}
	*sh.at(last) = slot{}
	sh.n = last
}

// link returns what refers to slot i: the head of its chain, or the next of
// the slot before.
func (sh *shard) link(i uint32) *uint32 {
	ref := sh.chain(sh.at(i).hash)
	for *ref != i+1 {
		ref = &sh.at(*ref - 1).next
	}
	return ref
}

// rehash makes a table with size chains.
func (sh *shard) rehash(size int) {
	sh.heads = make([]uint32, size)
	for i := range sh.n {
		sl := sh.at(i)
		head := sh.chain(sl.hash)
		sl.next, *head = *head, i+1
	}
}

// trim gives back memory that was needed for more records than there are.
func (sh *shard) trim() {
	if sh.n == 0 {
		sh.heads, sh.pages = nil, nil
		return
	}
	need := (int(sh.n) + pageSize - 1) / pageSize
	if need < len(sh.pages) {
		sh.pages = append([]*[pageSize]slot(nil), sh.pages[:need]...)
	}
	if int(sh.n) < len(sh.heads)/8 {
		sh.rehash(max(8, 1<<bits.Len32(sh.n)))
	}
}

// drop forgets all records.
func (sh *shard) drop() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.n = 0
	sh.trim()
}
