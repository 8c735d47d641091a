package cachelibstore

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// Names that cachelib gives a meaning.
const (
	countKey = "__wz_cache_count"
	// tmpSuffix ends the names that cachelib neither counts nor removes.
	tmpSuffix = ".__wz_cache"
)

// headerSize is the length of the expiry at the beginning of a file.
const headerSize = 4

var countFile = nameOf(countKey)

// nameOf is the name of a key's file. MD5 is cachelib's choice; who could make
// two keys that collide would have to choose both, and IDs are chosen here.
func nameOf(key string) string {
	sum := md5.Sum([]byte(key))
	return hex.EncodeToString(sum[:])
}

// isRecord reports whether a file of this name may be a record. cachelib takes
// every name for one that does not end in tmpSuffix; it is safer not to remove
// what may be somebody else's.
func isRecord(name string) bool {
	if len(name) != 2*md5.Size || name == countFile {
		return false
	}
	for _, c := range []byte(name) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// An expiry is a file's header: Unix seconds, or never.
type expiry uint32

const never expiry = 0

// expiryOf is t as an expiry, rounded up: a record may live a little longer
// than asked, but not shorter.
func expiryOf(t time.Time) expiry {
	if t.IsZero() {
		return never
	}
	sec := t.Unix()
	if t.Nanosecond() > 0 {
		sec++
	}
	if sec > math.MaxUint32 {
		return never
	}
	return expiry(max(sec, 1)) // 0 would not be long ago but never
}

func (e expiry) time() time.Time {
	if e == never {
		return time.Time{}
	}
	return time.Unix(int64(e), 0)
}

// live reports whether a record with the expiry e is live. For cachelib it
// still is at the very moment.
func (e expiry) live(now time.Time) bool { return e == never || !now.After(e.time()) }

// later reports whether e is later than other.
func (e expiry) later(other expiry) bool {
	return other != never && (e == never || e > other)
}

func (e expiry) append(b []byte) []byte { return binary.NativeEndian.AppendUint32(b, uint32(e)) }

// parse splits a file into its expiry and its data, which is not nil. A file
// that is too short is no record; cachelib does not find it either.
func parse(file []byte) (e expiry, data []byte, ok bool) {
	if len(file) < headerSize {
		return 0, nil, false
	}
	return expiry(binary.NativeEndian.Uint32(file)), file[headerSize:], true
}

// checkKey is store.CheckKey, and refuses to store something in the place of
// the count, whose file a key can name if there is no prefix.
func checkKey(key string, saving bool) error {
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if saving && key == countKey {
		return fmt.Errorf("%w: cachelib keeps its count under it", store.ErrKey)
	}
	return nil
}
