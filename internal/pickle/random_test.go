package pickle

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

func date(year, month, day int) Date { return Date{Year: year, Month: month, Day: day} }

func datetime(d Date, t Time) DateTime { return DateTime{Date: d, Time: t} }

// pick returns one of the choices.
func pick[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

func randomText(r *rand.Rand) string {
	top := pick(r, 0x7f, 0x7f, 0xff, 0xffff, 0x10ffff)
	var b []byte
	for range pick(r, 0, 1, 1, 5, 5, 20, 300) {
		b = pyvalue.AppendRune(b, rune(r.IntN(top+1)))
	}
	return string(b)
}

func randomBytes(r *rand.Rand) []byte {
	b := make([]byte, pick(r, 0, 1, 4, 255, 256))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func randomZone(r *rand.Rand) Zone {
	z := Zone{Aware: true}
	switch r.IntN(4) {
	case 0:
		return Zone{}
	case 1:
		return z
	case 2:
		z.Named, z.Name = true, strings.ToValidUTF8(randomText(r), "")
	}
	z.Offset = time.Duration(r.IntN(2*86399)-86399)*time.Second + time.Duration(pick(r, 0, 5))*time.Microsecond
	return z
}

func randomTime(r *rand.Rand) Time {
	return Time{
		Hour: r.IntN(24), Minute: r.IntN(60), Second: r.IntN(60), Microsecond: pick(r, 0, r.IntN(1e6)),
		Fold: r.IntN(2) == 1, Zone: randomZone(r),
	}
}

func randomDate(r *rand.Rand) Date { return date(1+r.IntN(9999), 1+r.IntN(12), 1+r.IntN(28)) }

func randomLeaf(r *rand.Rand) Value {
	switch r.IntN(18) {
	case 0:
		return pick[Value](r, nil, true, false)
	case 1:
		return int64(r.IntN(70300) - 300)
	case 2:
		return pick(r, int64(1), -1) * (r.Int64() >> r.IntN(63))
	case 3:
		n := new(big.Int).Lsh(big.NewInt(r.Int64()), uint(r.IntN(3000)))
		if r.IntN(2) == 0 {
			n.Neg(n)
		}
		return integer(n)
	case 4:
		return pick(r, 0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.Float64frombits(0x7ff8<<48), r.Float64(), r.NormFloat64()*1e18,
			math.Float64frombits(r.Uint64N(0x7ff0<<48)))
	case 5:
		return randomBytes(r)
	case 6:
		return ByteArray(randomBytes(r))
	case 7:
		return datetime(randomDate(r), randomTime(r))
	case 8:
		return randomTime(r)
	case 9:
		return randomDate(r)
	case 10:
		return TimeDelta{Days: r.IntN(2*pyvalue.MaxDays) - pyvalue.MaxDays, Seconds: r.IntN(86400), Microseconds: r.IntN(1e6)}
	case 11:
		return pick[Decimal](r, "NaN", "sNaN12", "-Infinity", "0E-7", "1.50", "-12345678901234567890123456789", "1E+999999")
	case 12:
		var u UUID
		for i := range u {
			u[i] = byte(r.Uint32())
		}
		return u
	case 13:
		return Markup(randomText(r))
	case 14:
		return complex(r.Float64(), pick(r, 0, math.Copysign(0, -1), r.Float64()))
	}
	return randomText(r)
}

// randomKey returns something that can be a key, is equal to itself, and not
// equal to a key of another type (which a Dict does not notice of decimals).
func randomKey(r *rand.Rand, depth int) Value {
	for {
		v := randomLeaf(r)
		if _, ok := v.(Decimal); ok {
			v = pick[Decimal](r, "1.51", "-12345678901234567890123456789")
		}
		if depth > 0 && r.IntN(5) == 0 {
			items := []Value{}
			for range r.IntN(4) {
				items = append(items, randomKey(r, depth-1))
			}
			v = &Tuple{Items: items}
			if r.IntN(3) == 0 {
				v = frozen(items)
			}
		}
		id, err := identify(v, nil)
		if _, never := id.(*unequalID); err == nil && !never {
			return v
		}
	}
}

func frozen(items []Value) *FrozenSet {
	f := &FrozenSet{}
	for _, item := range items {
		_ = f.Add(item)
	}
	return f
}

func randomValue(r *rand.Rand, depth int) Value {
	if depth <= 0 || r.IntN(5) < 2 {
		return randomLeaf(r)
	}
	n := pick(r, 0, 1, 1, 2, 3, 4, 9)
	if r.IntN(3000) == 0 {
		n, depth = pick(r, 999, 1000, 1001, 2000), 0
	}
	items, keys := []Value{}, []Value{}
	for range n {
		items = append(items, randomValue(r, depth-1))
		keys = append(keys, randomKey(r, 2))
	}
	switch r.IntN(10) {
	case 0, 1, 2:
		return &List{Items: items}
	case 3, 4:
		return &Tuple{Items: items}
	case 5:
		return &frozen(keys).Set
	case 6:
		return frozen(keys)
	}
	d := &Dict{}
	for i := range keys {
		_ = d.Set(keys[i], items[i])
	}
	return d
}
