package wire

import (
	"errors"
	"math/big"
	"runtime"
	"testing"
)

// endless reads as a list without end, of whatever the tokens are.
type endless struct {
	tokens []Token
	next   int
}

func (r *endless) Next() (Token, error) {
	t := r.tokens[r.next%len(r.tokens)]
	r.next++
	return t, nil
}

// More says that a list goes on, and that a map has the pairs it claims.
func (r *endless) More(left int) (int, bool) {
	if left < 0 {
		return left, true
	}
	return left - 1, left > 0
}

func (r *endless) Raw() ([]byte, error)          { return nil, ErrType }
func (r *endless) Bytes(t Token) ([]byte, error) { return t.Data, nil }
func (r *endless) Big(t Token) (*big.Int, error) { return big.NewInt(1), nil }

// What is charged for memory must not be less than what is taken, give or take
// what the allocator rounds up.
func TestChargesCoverMemory(t *testing.T) {
	const memory = 4 << 20
	text := Token{Kind: String, Data: []byte("k")}
	one := Token{Kind: Int, Int: 1 << 40}
	for name, tokens := range map[string][]Token{
		"nil":             {{Kind: Nil}},
		"integers":        {one},
		"text":            {text},
		"long text":       {{Kind: String, Data: make([]byte, 1000)}},
		"bytes":           {{Kind: Bytes, Data: make([]byte, 100)}},
		"times":           {{Kind: Time}},
		"extensions":      {{Kind: Extension, Data: []byte{1}}},
		"big integers":    {{Kind: Big, Data: make([]byte, 8)}},
		"empty lists":     {{Kind: List}},
		"empty maps":      {{Kind: Map}},
		"maps of one":     {{Kind: Map, N: 1}, text, {Kind: Nil}},
		"maps of a key":   {{Kind: Map, N: 1}, one, {Kind: Nil}},
		"maps of maps":    {{Kind: Map, N: 1}, text, {Kind: Map, N: 1}, text, one},
		"lists of floats": {{Kind: List, N: 3}, {Kind: Float}, {Kind: Float}, {Kind: Float}},
	} {
		d := decoder{r: &endless{tokens: tokens}, memory: memory}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := d.any(&Token{Kind: List, N: -1})
		runtime.ReadMemStats(&after)
		got := after.TotalAlloc - before.TotalAlloc
		t.Logf("%-16s %d%%", name, got*100/memory)
		if !errors.Is(err, ErrLimit) || got > memory*3/2 {
			t.Errorf("%s: got %d bytes and error %v, want ErrLimit after at most %d", name, got, err, memory)
		}
	}
}
