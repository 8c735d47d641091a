package memcachedstore

import (
	"encoding/binary"
	"time"
)

const (
	// margin is how many seconds longer than promised an item is asked to
	// live. The server counts ticks of a second; at the moment of a command up
	// to two seconds may have passed since the tick that it counts from: of
	// 16,000 items that version 1.6.18 was asked to keep for 2 seconds, some
	// were gone after 34 milliseconds.
	margin = 2

	// grid is the number of seconds of which all expiries are multiples. For
	// the same reason, what the server says of the time that is left gives the
	// expiry up to four seconds late. Rounded down to the grid, it is the one
	// that was saved. Otherwise a record that is saved with the expiry that it
	// was loaded with would live longer each time.
	grid = 5

	// maxRelative is the largest expiry that the server takes for a number of
	// seconds from now. Larger ones are dates.
	maxRelative = 30 * 24 * 60 * 60

	// maxDate is the latest date that the server takes, in January 2038.
	maxDate = 1<<31 - 1

	// flagFar in the flags of an item says that its expiry is beyond maxDate
	// and stands in the last eight bytes of the value, as Unix seconds. The
	// server believes that the item does not expire.
	flagFar = 1 << 31
	farSize = 8
)

// item is what a server holds under a key.
type item struct {
	data    []byte // nil if only the rest was asked for
	flags   uint32
	cas     uint64
	left    int64     // seconds that the server gives it, negative for ever
	expires time.Time // zero for never
}

// date sets when the item expires, if the server has just answered.
func (it *item) date(now time.Time) {
	switch {
	case it.left >= 0:
		end := now.Unix() + it.left
		it.expires = time.Unix(end-end%grid, 0)
	case it.far() && len(it.data) >= farSize:
		n := len(it.data) - farSize
		it.expires = time.Unix(int64(binary.BigEndian.Uint64(it.data[n:])), 0)
		it.data = it.data[:n:n]
	}
}

// far reports whether the expiry of the item is in its data.
func (it *item) far() bool { return it.flags&flagFar != 0 }

// live reports whether the item, which the server has, has not expired.
func (it *item) live(now time.Time) bool {
	return it.left >= 0 || it.expires.IsZero() || now.Before(it.expires)
}

// outlives reports whether the item lives until t anyway.
func (it *item) outlives(t time.Time) bool {
	return it.expires.IsZero() || !t.IsZero() && !t.After(it.expires)
}

// write is an item to be stored.
type write struct {
	data    []byte
	end     []byte // what follows data: the expiry of a far item
	flags   uint32
	exptime int64  // as the server wants it
	cas     uint64 // if not zero, only over the item with this number
	add     bool   // only if there is none
}

func (w *write) size() int { return len(w.data) + len(w.end) }

// expire makes the item expire at t or somewhat later. The server's clock is
// ahead of ours by so many seconds.
func (w *write) expire(t, now time.Time, ahead int64) {
	if t.IsZero() {
		return
	}
	end := t.Unix()
	if t.Nanosecond() > 0 {
		end++
	}
	date := end + grid - 1
	date -= date % grid
	left := date - now.Unix() + margin
	switch {
	case left <= maxRelative:
		w.exptime = max(left, 1)
	case date+margin+ahead <= maxDate:
		w.exptime = date + margin + ahead
	default:
		w.flags |= flagFar
		w.end = binary.BigEndian.AppendUint64(nil, uint64(end))
	}
}
