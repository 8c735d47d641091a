package wire

import (
	"math/big"
	"time"
)

// A Kind is the kind of a token.
type Kind uint8

// The kinds. Int holds every integer that fits an int64, Uint only larger
// ones, Big those beyond uint64.
const (
	Nil Kind = iota
	Bool
	Int
	Uint
	Float
	Big
	String
	Bytes
	Time
	Extension
	List
	Map
	Python // see PythonReader
)

var kindNames = [...]string{"nil", "a boolean", "an integer", "an integer", "a float",
	"a large integer", "a string", "bytes", "a time", "an extension", "a list", "a map", "a Python value"}

func (k Kind) String() string { return kindNames[k] }

// A Token is the next piece of a value: a scalar, or the beginning of a list
// or map.
type Token struct {
	Kind  Kind
	Code  int8    // of Time, Extension and Big, if they are extensions; see List, Tuple, …
	Bool  bool    // of Bool
	N     int     // elements of List, pairs of Map; -1 if the format does not say; nanoseconds of Time; bytes of Python
	Int   int64   // of Int; seconds since 1970 of Time
	Uint  uint64  // of Uint
	Float float64 // of Float
	Data  []byte  // of String (UTF-8 or not), Bytes, Extension, Time; of Big the format's own form
}

// Time returns the value of a Time token.
func (t *Token) Time() time.Time { return time.Unix(t.Int, int64(t.N)).UTC() }

// A Reader reads the tokens of one encoded value. It may rely on the value
// having been checked as a whole before, but must not panic if it was not.
type Reader interface {
	// Next reads the next token. Its Data is valid for as long as the encoded
	// value. Tokens are handed around by value, or each would be allocated.
	Next() (Token, error)
	// More reports whether the list or map being read has another element or
	// pair. left is first the N of its token, then what More returned.
	More(left int) (int, bool)
	// Raw reads one whole value and returns its bytes.
	Raw() ([]byte, error)
	// Bytes returns the bytes that a String token stands for, in a format that
	// writes bytes as text; else ErrType.
	Bytes(t Token) ([]byte, error)
	// Big returns the value of a Big token.
	Big(t Token) (*big.Int, error)
}

// A Skipper is a Reader for which Raw is more work than moving past a value.
type Skipper interface {
	// Skip reads past one value.
	Skip() error
}

// A TimeParser is a Reader of a format that has times as text of its own kind.
type TimeParser interface {
	// ParseTime reads a time from a String token's text.
	ParseTime(text []byte) (time.Time, error)
}

// A Writer appends the pieces of values to a buffer. It has no state.
type Writer interface {
	// Tags lists the struct tags that name fields, the first one wins.
	Tags() []string
	// JSON reports whether json.Marshaler and json.Unmarshaler are to be used.
	JSON() bool
	// RawJSON appends text that a json.Marshaler wrote, if it is valid JSON of
	// at most depth levels. It is only called where JSON is true.
	RawJSON(dst, text []byte, depth int) ([]byte, error)

	Nil(dst []byte) []byte
	Bool(dst []byte, v bool) []byte
	Int(dst []byte, v int64) []byte
	Uint(dst []byte, v uint64) []byte
	Float(dst []byte, v float64) ([]byte, error)
	Float32(dst []byte, v float32) ([]byte, error)
	// String appends a string, which may hold anything. What is not UTF-8 can
	// be written as bytes, see Token.IsText.
	String(dst []byte, v string) ([]byte, error)
	Bytes(dst, v []byte) ([]byte, error)
	Time(dst []byte, v time.Time) ([]byte, error)
	Big(dst []byte, v *big.Int) ([]byte, error)
	Ext(dst []byte, v Ext) ([]byte, error)

	// Key turns an encoded value that is not a string into a map's key.
	Key(dst, encoded []byte) ([]byte, error)
	// List and Map begin a list of n elements and a map of n pairs. Next comes
	// before element or pair number i, Value between key and value.
	List(dst []byte, n int) []byte
	Map(dst []byte, n int) []byte
	Next(dst []byte, i int) []byte
	Value(dst []byte) []byte
	EndList(dst []byte) []byte
	EndMap(dst []byte) []byte
}
