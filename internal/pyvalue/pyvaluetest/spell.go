package pyvaluetest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// Spell spells a Go value, of the types that a codec reads into any, as peer.py
// spells the Python value that it stands for, with the entries of dicts sorted.
// It panics on other types.
func Spell(v any) []byte {
	switch v := v.(type) {
	case []any:
		return Items('l', v, Spell)
	case pyvalue.Tuple:
		return Items('t', v, Spell)
	case pyvalue.Set:
		return Sorted('S', v, Spell)
	case pyvalue.FrozenSet:
		return Sorted('Z', v, Spell)
	case map[string]any:
		pairs := make([]any, 0, len(v))
		for k, x := range v {
			pairs = append(pairs, append(Spell(k), Spell(x)...))
		}
		return spellPairs(pairs)
	case map[any]any:
		pairs := make([]any, 0, len(v))
		for k, x := range v {
			pairs = append(pairs, append(Spell(k), Spell(x)...))
		}
		return spellPairs(pairs)
	case time.Time:
		return fmt.Appendf(nil, "M%d;", v.UnixMicro())
	}
	return Scalar(v)
}

func spellPairs(pairs []any) []byte {
	out := Sorted('d', pairs, func(p any) []byte { return p.([]byte) })
	out[bytes.IndexByte(out, '[')] = '{'
	return out
}

// Items spells a list or tuple.
func Items[T any](kind byte, items []T, spell func(T) []byte) []byte {
	out := fmt.Appendf(nil, "%c%d[", kind, len(items))
	for _, v := range items {
		out = append(out, spell(v)...)
	}
	return out
}

// Sorted spells a set.
func Sorted[T any](kind byte, items []T, spell func(T) []byte) []byte {
	all := make([][]byte, len(items))
	for i, v := range items {
		all[i] = spell(v)
	}
	slices.SortFunc(all, bytes.Compare)
	return Items(kind, all, func(b []byte) []byte { return b })
}

// Scalar spells what holds no other values.
func Scalar(v any) []byte {
	switch v := v.(type) {
	case nil:
		return []byte("N")
	case bool:
		if v {
			return []byte("T")
		}
		return []byte("F")
	case int64:
		return append(strconv.AppendInt([]byte("i"), v, 16), ';')
	case uint64:
		return append(strconv.AppendUint([]byte("i"), v, 16), ';')
	case *big.Int:
		return append(v.Append([]byte("i"), 16), ';')
	case float64:
		if math.IsNaN(v) {
			return []byte("fnan;")
		}
		return fmt.Appendf(nil, "f%x;", binary.BigEndian.AppendUint64(nil, math.Float64bits(v)))
	case complex128:
		return append(append([]byte("c"), Scalar(real(v))...), Scalar(imag(v))...)
	case string:
		return counted('s', v)
	case pyvalue.Markup:
		return counted('m', string(v))
	case []byte:
		return counted('b', string(v))
	case pyvalue.ByteArray:
		return counted('B', string(v))
	case pyvalue.Decimal:
		return counted('E', string(v))
	case pyvalue.UUID:
		return []byte("U" + v.Hex())
	case pyvalue.Date:
		return fmt.Appendf(nil, "Y%d,%d,%d;", v.Year, v.Month, v.Day)
	case pyvalue.Time:
		return append([]byte("C"), clock(v)...)
	case pyvalue.DateTime:
		return append(fmt.Appendf(nil, "D%d,%d,%d,", v.Year, v.Month, v.Day), clock(v.Time)...)
	case pyvalue.TimeDelta:
		return fmt.Appendf(nil, "L%d,%d,%d;", v.Days, v.Seconds, v.Microseconds)
	case pyvalue.Zone:
		return append([]byte("z"), zone(v)...)
	}
	panic(fmt.Sprintf("pyvaluetest: there is no spelling for a %T", v))
}

func counted(kind byte, data string) []byte {
	return fmt.Appendf(nil, "%c%d:%s", kind, len(data), data)
}

func clock(t pyvalue.Time) []byte {
	fold := 0
	if t.Fold {
		fold = 1
	}
	return append(fmt.Appendf(nil, "%d,%d,%d,%d,%d", t.Hour, t.Minute, t.Second, t.Microsecond, fold), zone(t.Zone)...)
}

func zone(z pyvalue.Zone) []byte {
	if !z.Aware {
		return []byte("-")
	}
	out := fmt.Appendf(nil, "%d;", z.Offset.Microseconds())
	if z.Named {
		out = append(out, counted('n', z.Name)...)
	}
	return out
}

func quote(b []byte) string { return strconv.QuoteToASCII(string(b)) }
