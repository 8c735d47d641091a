package flask_test

import (
	"bytes"
	_ "embed"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/internal/pyvalue/pyvaluetest"
)

//go:embed testdata/codec_peer.py
var codecPeerScript string

var codecPeer = pyvaluetest.Peer{Modules: []string{"msgpack"}, Script: codecPeerScript}

// TestPythonReadsOurRecords has Python read random records in MessagePack and
// JSON; in MessagePack it writes the same bytes.
func TestPythonReadsOurRecords(t *testing.T) {
	for _, format := range []flask.Format{flask.FormatMsgPack, flask.FormatJSON} {
		t.Run(string(format), func(t *testing.T) {
			c := flask.RecordCodec(format)
			m := valueMaker{pyvaluetest.Source(t), format == flask.FormatMsgPack}
			type written struct {
				value  map[string]any
				record []byte
				err    error
			}
			questions := func(yield func(pyvaluetest.Question, written) bool) {
				for range pyvaluetest.Rounds() {
					w := written{value: m.record()}
					w.record, w.err = dumpRecord(c, w.value)
					if !yield(pyvaluetest.Question{[]byte(format), []byte("load"), w.record}, w) {
						return
					}
				}
			}
			pyvaluetest.Ask(t, codecPeer, questions, func(w written, answer [][]byte) {
				if w.err != nil {
					t.Fatal(w.err)
				}
				if want := pyvaluetest.Spell(w.value); !bytes.Equal(answer[0], want) {
					t.Fatalf("of %q Python reads%s", w.record, pyvaluetest.Difference(answer[0], want))
				}
				if m.binary && !bytes.Equal(answer[1], w.record) {
					t.Fatalf("Python writes %q, we write %q", answer[1], w.record)
				}
			})
		})
	}
}

// TestWeReadPythonsRecords reads random records of Python's making.
func TestWeReadPythonsRecords(t *testing.T) {
	for _, format := range []flask.Format{flask.FormatMsgPack, flask.FormatJSON} {
		t.Run(string(format), func(t *testing.T) {
			c := flask.RecordCodec(format)
			first := pyvaluetest.Source(t).Uint64() >> 1
			questions := func(yield func(pyvaluetest.Question, int) bool) {
				for i := range pyvaluetest.Rounds() {
					seed := strconv.AppendUint(nil, first+uint64(i), 10)
					if !yield(pyvaluetest.Question{[]byte(format), []byte("random"), seed}, i) {
						return
					}
				}
			}
			pyvaluetest.Ask(t, codecPeer, questions, func(_ int, answer [][]byte) {
				fields, err := c.Split(nil, answer[1])
				if err != nil {
					t.Fatalf("%q: %v", answer[1], err)
				}
				got := map[string]any{}
				for _, f := range fields {
					var v any
					if err := c.Unmarshal(f.Raw, &v); err != nil {
						t.Fatalf("%q: %v", f.Raw, err)
					}
					got[string(f.Name)] = v
				}
				if got := pyvaluetest.Spell(got); !bytes.Equal(got, answer[0]) {
					t.Fatalf("of %q we read%s", answer[1], pyvaluetest.Difference(got, answer[0]))
				}
				if again, err := c.Join(nil, fields); err != nil || !bytes.Equal(again, answer[1]) {
					t.Fatalf("rewritten as %q and error %v, want %q", again, err, answer[1])
				}
			})
		})
	}
}

// dumpRecord writes a record.
func dumpRecord(c codec.Codec, m map[string]any) ([]byte, error) {
	var fields []codec.Field
	for name, v := range m {
		raw, err := c.Marshal(nil, v)
		if err != nil {
			return nil, err
		}
		fields = append(fields, codec.Field{Name: []byte(name), Raw: raw})
	}
	return c.Join(nil, fields)
}

// A valueMaker makes random records, in which JSON has less.
type valueMaker struct {
	*rand.Rand
	binary bool
}

func oneOf[T any](m valueMaker, choices ...T) T { return choices[m.IntN(len(choices))] }

func (m valueMaker) text() string {
	top := oneOf(m, 0x7f, 0x7f, 0xff, 0xffff, 0x10ffff)
	n := oneOf(m, 0, 1, 5, 5, 12)
	if m.IntN(30) == 0 {
		n = oneOf(m, 31, 32, 255, 256)
	}
	runes := make([]rune, n)
	for i := range runes {
		runes[i] = m.Int32N(int32(top) + 1)
	}
	return strings.ToValidUTF8(string(runes), "?")
}

func (m valueMaker) integer() int64 { return m.Int64() >> m.IntN(64) * oneOf[int64](m, 1, -1) }

func (m valueMaker) float() float64 {
	f := oneOf(m, 0, math.Copysign(0, -1), 1e16, 5e-324, math.MaxFloat64, math.Inf(1), math.NaN(), m.NormFloat64(),
		m.NormFloat64()*1e18, math.Float64frombits(m.Uint64()))
	if !m.binary && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return 0.5
	}
	return f
}

func (m valueMaker) leaf() any {
	switch m.IntN(11) {
	case 0:
		return oneOf[any](m, nil, true, false)
	case 1, 2, 3:
		return m.integer()
	case 4:
		return m.Uint64() | 1<<63
	case 5:
		return m.float()
	case 6:
		if m.binary {
			b := make([]byte, oneOf(m, 0, 1, 4, 255, 256))
			for i := range b {
				b[i] = byte(m.Uint32())
			}
			return b
		}
		return new(big.Int).Lsh(big.NewInt(1), uint(64+m.IntN(3000)))
	case 7:
		if m.binary {
			const first, last = -62135596800, 253402300799
			return time.Unix(first+m.Int64N(last-first), oneOf(m, 0, m.Int64N(1e6)*1000)).UTC()
		}
	}
	return m.text()
}

// size is of a list or dict; from 16 on they are written in another way.
func (m valueMaker) size() int {
	if m.IntN(30) == 0 {
		return oneOf(m, 15, 16, 17)
	}
	return oneOf(m, 0, 1, 1, 2, 3)
}

func (m valueMaker) value(depth int) any {
	if depth <= 0 || m.IntN(5) < 2 {
		return m.leaf()
	}
	n := m.size()
	switch m.IntN(6) {
	case 0, 1, 2:
		list := make([]any, n)
		for i := range list {
			list[i] = m.value(depth - 1)
		}
		return list
	case 3:
		if m.binary {
			d := map[any]any{int64(1): nil} // at least one key that is no string
			for range n {
				d[m.integer()] = m.value(depth - 1)
			}
			return d
		}
	}
	d := map[string]any{}
	for range n {
		d[m.text()] = m.value(depth - 1)
	}
	return d
}

func (m valueMaker) record() map[string]any {
	record := map[string]any{}
	for range oneOf(m, 0, 1, 2, 5) {
		record[m.text()] = m.value(3)
	}
	return record
}
