// Package pickle reads and writes the plain values of Python's pickle format
// without being able to do anything else.
//
// A pickle is a program for a small stack machine that may name any function
// of any Python module and have it called. This package runs the part of the
// machine that builds values and knows a fixed list of names, each of which
// stands for a plain value: set, frozenset, bytes, bytearray, complex,
// datetime and its kin, Decimal, UUID and Markup. Nothing is ever looked up,
// imported or called; every other name is refused with an error that says
// which ([ErrRefused]).
//
// The bytes are taken to be hostile. [Limits] bound what they can cost: the
// size of the input, the depth and the number of the values (a value that is
// reached twice through the memo counts twice, so that a few bytes cannot stand
// for a billion values), the stack, the memo, and the digits of integers. A
// value that contains itself is refused.
//
// [Unmarshal] gives back these Go values:
//
//	Python      Go                     Python      Go
//	None        nil                    list        *List
//	bool        bool                   tuple       *Tuple
//	int         int64 or *big.Int      dict        *Dict
//	float       float64                set         *Set
//	complex     complex128             frozenset   *FrozenSet
//	str         string                 datetime    DateTime
//	bytes       []byte                 date        Date
//	bytearray   ByteArray              time        Time
//	Decimal     Decimal                timedelta   TimeDelta
//	UUID        UUID                   timezone    Zone
//	Markup      Markup
//
// A Python str may hold half a surrogate pair, which UTF-8 cannot. Such a str
// is a Go string that is not valid UTF-8: it holds the three bytes that UTF-8
// would use if it allowed them (Python's "surrogatepass").
//
// The format is documented by CPython's Lib/pickletools.py and PEP 3154 and 574;
// the bytes that [Append] writes are those of CPython 3.11's pickle.dumps for
// the same value, if all of its equal strings, times, decimals and UUIDs are one
// object each.
package pickle
