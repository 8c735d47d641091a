package pickle

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"math/big"
	"slices"
)

// The identities of keys: comparable Go values of which two are equal if
// Python holds the keys for the same. Python never stores two keys that
// are equal, so the only harm in taking too few for equal (decimals are
// compared as they are spelled, and never to other numbers) is to keep an entry
// that Python would drop from a pickle which Python did not write. Taking
// different keys for the same would lose data.
type (
	noneID   struct{}
	bigID    string // an integer beyond int64: sign and magnitude
	bytesID  string
	tupleID  string // the items' identities in a row
	frozenID string // the items' identities, sorted
	momentID int64  // an aware datetime: microseconds since 1970
	clockID  int64  // an aware time: microseconds since midnight in UTC
)

// maxKeyDepth bounds the recursion through tuples in keys.
const maxKeyDepth = 256

// identify returns the identity of a key. The cost is taken from b, if it is
// not nil: a key that is shared through the memo may stand for far more than
// its bytes.
func identify(key Value, b *budget) (any, error) {
	if b == nil {
		unlimited := budget{copied: math.MaxInt, hashed: math.MaxInt}
		b = &unlimited
	}
	return identifyAt(key, b, maxKeyDepth)
}

func identifyAt(key Value, b *budget, depth int) (any, error) {
	switch k := key.(type) {
	case nil:
		return noneID{}, b.hash(1)
	case bool:
		if k {
			return int64(1), b.hash(1)
		}
		return int64(0), b.hash(1)
	case int64, UUID, Date, TimeDelta:
		return k, b.hash(16)
	case DateTime:
		if k.Zone.Aware {
			return momentID(k.When().UnixMicro()), b.hash(64)
		}
		k.Fold = false
		return k, b.hash(64)
	case Time:
		return clockIdentity(k), b.hash(64)
	case Zone:
		return Zone{Aware: true, Offset: k.Offset}, b.hash(64)
	case string:
		return k, b.hash(len(k) + 1)
	case Markup:
		return string(k), b.hash(len(k) + 1)
	case *big.Int:
		if err := b.copy(k.BitLen() / 8); err != nil {
			return nil, err
		}
		return bigIdentity(k), b.hash(k.BitLen()/8 + 1)
	case float64:
		return floatIdentity(k), b.hash(128)
	case complex128:
		return complexIdentity(k), b.hash(128)
	case []byte:
		if err := b.copy(len(k)); err != nil {
			return nil, err
		}
		return bytesID(k), b.hash(len(k) + 1)
	case Decimal:
		quiet, signaling := k.NaN()
		if signaling {
			return nil, unhashable("a signaling NaN")
		}
		if quiet {
			return unequal(), nil
		}
		return k, b.hash(len(k) + 1)
	case *Tuple:
		buf, _, err := identifyAll(slices.Values(k.Items), len(k.Items), b, depth)
		if err != nil || buf == nil {
			return unequal(), err
		}
		return tupleID(buf), nil
	case *FrozenSet:
		buf, ends, err := identifyAll(k.All(), k.Len(), b, depth)
		if err != nil || buf == nil {
			return unequal(), err
		}
		return frozenID(sortPieces(buf, ends)), nil
	}
	return nil, unhashable(kindName(key))
}

// identifyAll spells the identities of n items in a row, and says where each
// ends. The row is nil if one of them is equal to nothing, as a NaN is.
func identifyAll(items iter.Seq[Value], n int, b *budget, depth int) (row []byte, ends []int, err error) {
	if depth <= 0 {
		return nil, nil, limit("key nested too deeply")
	}
	const usual = 9 // bytes of an int
	if err := b.copy((3*usual + 8) * n); err != nil {
		return nil, nil, err
	}
	row, ends = make([]byte, 0, usual*n), make([]int, 0, n)
	for item := range items {
		id, err := identifyAt(item, b, depth-1)
		if err != nil {
			return nil, nil, err
		}
		before := len(row)
		if row = appendID(row, id); row == nil {
			return nil, nil, nil
		}
		if err := b.copy(3 * (len(row) - before - usual)); err != nil {
			return nil, nil, err
		}
		ends = append(ends, len(row))
	}
	return row, ends, nil
}

// sortPieces sorts the pieces of row that end at ends.
func sortPieces(row []byte, ends []int) []byte {
	pieces := make([][]byte, 0, len(ends))
	start := 0
	for _, end := range ends {
		pieces = append(pieces, row[start:end])
		start = end
	}
	slices.SortFunc(pieces, slices.Compare)
	return slices.Concat(pieces...)
}

// appendID appends an identity as bytes that no other identity is written as,
// and of which none begins another; it returns nil for one that is equal to
// nothing.
func appendID(dst []byte, id any) []byte {
	frame := func(kind byte, s string) []byte {
		dst := binary.AppendUvarint(append(dst, kind), uint64(len(s)))
		return append(dst, s...)
	}
	switch id := id.(type) {
	case noneID:
		return append(dst, 'N')
	case int64:
		return binary.BigEndian.AppendUint64(append(dst, 'I'), uint64(id))
	case float64:
		return binary.BigEndian.AppendUint64(append(dst, 'F'), math.Float64bits(id))
	case string:
		return frame('S', id)
	case bytesID:
		return frame('B', string(id))
	case bigID:
		return frame('L', string(id))
	case tupleID:
		return frame('T', string(id))
	case frozenID:
		return frame('Z', string(id))
	case Decimal:
		return frame('D', string(id))
	case UUID:
		return frame('U', string(id[:]))
	case *unequalID:
		return nil
	}
	// Dates, times, zones and complex numbers: rare inside a key, so that a
	// slow spelling is good enough. %T keeps the kinds apart.
	return frame('X', fmt.Sprintf("%T%#v", id, id))
}

// unequalID is the identity of what is not even equal to itself. It has a size,
// since pointers to objects without one may be equal.
type unequalID struct{ _ byte }

func unequal() any { return new(unequalID) }

func bigIdentity(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	sign := "+"
	if n.Sign() < 0 {
		sign = "-"
	}
	return bigID(sign + string(n.Bytes()))
}

// floatIdentity makes whole floats equal to integers.
func floatIdentity(f float64) any {
	switch {
	case math.IsNaN(f):
		return unequal()
	case math.IsInf(f, 0) || f != math.Trunc(f):
		return f
	case math.Abs(f) < 1<<63:
		return int64(f)
	}
	n, _ := big.NewFloat(f).Int(nil)
	return bigIdentity(n)
}

// clockIdentity makes aware times equal that are the same in UTC.
func clockIdentity(t Time) any {
	if !t.Zone.Aware {
		t.Fold = false
		return t
	}
	seconds := (t.Hour*60+t.Minute)*60 + t.Second
	return clockID(int64(seconds)*1e6 + int64(t.Microsecond) - t.Zone.Offset.Microseconds())
}

func complexIdentity(c complex128) any {
	switch {
	case math.IsNaN(real(c)) || math.IsNaN(imag(c)):
		return unequal()
	case imag(c) == 0:
		return floatIdentity(real(c))
	case real(c) == 0:
		return complex(0, imag(c)) // 0 and -0 are the same
	}
	return c
}

func unhashable(what string) error {
	return fmt.Errorf("%w: %s cannot be a key", ErrValue, what)
}

// kindName names the type of v as Python does, for messages.
func kindName(v Value) string {
	switch v.(type) {
	case nil:
		return "None"
	case bool:
		return "a bool"
	case int64, *big.Int:
		return "an int"
	case float64:
		return "a float"
	case string:
		return "a str"
	case []byte:
		return "bytes"
	case ByteArray:
		return "a bytearray"
	case *List:
		return "a list"
	case *Tuple:
		return "a tuple"
	case *Dict:
		return "a dict"
	case *Set:
		return "a set"
	case *FrozenSet:
		return "a frozenset"
	case global:
		return "a class or function"
	case *unbuiltUUID:
		return "an unfinished UUID"
	}
	return fmt.Sprintf("a %T", v)
}
