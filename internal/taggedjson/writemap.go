package taggedjson

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// A pair is an entry of a dictionary that is being written. Python sorts keys
// before it makes strings of them, so numbers sort as numbers, and kinds that it
// cannot compare do not mix.
type pair struct {
	kind  keyKind
	key   int // where the key begins, with its quote
	value int
	end   int
}

type keyKind uint8

const (
	textKey keyKind = iota
	numberKey
	noneKey
)

// Map implements [wire.Writer].
func (w *writer) Map(dst []byte, _ int) []byte {
	w.begin(dst, true)
	return append(dst, '{')
}

func (w *writer) nextPair(dst []byte, i int) []byte {
	if i > 0 {
		w.pairs[len(w.pairs)-1].end = len(dst)
		dst = append(dst, ',')
	}
	w.pairs = append(w.pairs, pair{key: len(dst)})
	w.key = true
	return dst
}

// Key implements [wire.Writer]: numbers, booleans and None become text.
func (w *writer) Key(dst, encoded []byte) ([]byte, error) {
	w.key = false
	last := &w.pairs[len(w.pairs)-1]
	switch c := encoded[0]; {
	case c == '"':
		return append(dst, encoded...), nil
	case bytes.HasPrefix(encoded, []byte(uuidPrefix)): // text, as in every codec
		u, err := pyvalue.ParseUUID(string(encoded[len(uuidPrefix) : len(encoded)-len(`"}`)]))
		return appendQuoted(dst, u.String()), err
	case c == '{' || c == '[':
		return dst, fmt.Errorf("%w: a key is neither text nor a number", wire.ErrType)
	case c == 'n':
		last.kind = noneKey
	default:
		last.kind = numberKey
	}
	return append(append(append(dst, '"'), encoded...), '"'), nil
}

// Value implements [wire.Writer].
func (w *writer) Value(dst []byte) []byte {
	w.key = false
	dst = append(dst, ':')
	w.pairs[len(w.pairs)-1].value = len(dst)
	return dst
}

// EndMap implements [wire.Writer]. Like Flask it sorts the keys, and wraps a
// dictionary that a reader would take for a tag.
func (w *writer) EndMap(dst []byte) []byte {
	in := w.open[len(w.open)-1]
	pairs := w.pairs[in.pairs:]
	extra := 0
	switch len(pairs) {
	case 0:
	case 1:
		pairs[0].end = len(dst)
		if name := pairs[0].name(dst); pairs[0].kind == textKey && tagNamed(name) != none {
			value := bytes.Clone(dst[pairs[0].value:])
			dst = append(appendEscape(dst[:in.start], string(name)), value...)
			dst = append(dst, '}')
			extra = 1
		}
	default:
		pairs[len(pairs)-1].end = len(dst)
		w.sort(dst[in.start+1:], dst, pairs)
	}
	w.end(extra)
	return append(dst, '}')
}

// sort brings the pairs, which take up body, into the order of their keys. Two
// that are the same are refused.
func (w *writer) sort(body, dst []byte, pairs []pair) {
	for _, p := range pairs[1:] {
		if p.kind != pairs[0].kind {
			w.fail(fmt.Errorf("%w: the keys of one map are of different kinds", wire.ErrType))
			return
		}
	}
	compare := func(a, b pair) int { return a.compare(&b, dst) }
	inOrder := slices.IsSortedFunc(pairs, compare)
	if !inOrder {
		slices.SortFunc(pairs, compare)
	}
	for i := range pairs[1:] {
		if bytes.Equal(pairs[i].name(dst), pairs[i+1].name(dst)) {
			w.fail(fmt.Errorf("%w: two keys of a map are written alike", wire.ErrType))
		}
	}
	if inOrder {
		return
	}
	sorted := make([]byte, 0, len(body))
	for i, p := range pairs {
		if i > 0 {
			sorted = append(sorted, ',')
		}
		sorted = append(sorted, dst[p.key:p.end]...)
	}
	copy(body, sorted)
}

// name returns the key as it sorts.
func (p *pair) name(dst []byte) []byte { return unquote(dst[p.key:p.value-1], keep) }

func (p *pair) compare(other *pair, dst []byte) int {
	a, b := p.name(dst), other.name(dst)
	if p.kind != numberKey {
		return bytes.Compare(a, b) // as code points sort
	}
	return cmp.Or(cmp.Compare(numberOf(a), numberOf(b)), compareDigits(a, b), bytes.Compare(a, b))
}

// numberOf returns the number that a key stands for, as a float.
func numberOf(key []byte) float64 {
	switch string(key) {
	case wordTrue:
		return 1
	case wordFalse:
		return 0
	}
	f, _ := strconv.ParseFloat(string(key), 64) // infinite if too large
	return f
}

// compareDigits compares integers that are one float.
func compareDigits(a, b []byte) int {
	if len(a) == 0 || len(b) == 0 || a[0] != '-' || b[0] != '-' {
		return cmp.Or(cmp.Compare(len(a), len(b)), bytes.Compare(a, b))
	}
	return cmp.Or(cmp.Compare(len(b), len(a)), bytes.Compare(b, a))
}
