package taggedjson

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

var (
	seed   = flag.Uint64("taggedjson.seed", 0, "seed of the differential tests; 0 takes one from the clock")
	rounds = flag.Int("taggedjson.rounds", 2000, "random values in each differential test")
	python = flag.String("taggedjson.python", "", "the Python with Flask to compare with; else python3 or /usr/bin/python3")
)

// A peer is a Python process with Flask.
type peer struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
}

type question struct {
	Op   string `json:"op"`
	Text []byte `json:"text,omitempty"`
	Seed uint64 `json:"seed"`
}

type answer struct {
	Value   tagged
	Text    []byte
	Again   []byte
	Refused string
	Error   string
}

// TestAgainstFlask runs the tests that need the real Flask.
func TestAgainstFlask(t *testing.T) {
	p := findPeer(t)
	for name, test := range map[string]func(*testing.T, *peer){
		"Flask reads what we write": flaskReadsWhatWeWrite,
		"we read what Flask writes": weReadWhatFlaskWrites,
		"damaged records":           damagedRecords,
		"dates":                     dates,
	} {
		t.Run(name, func(t *testing.T) {
			p.t = t
			test(t, p)
		})
	}
}

func findPeer(t *testing.T) *peer {
	t.Helper()
	for _, name := range []string{*python, "python3", "/usr/bin/python3"} {
		if name == "" {
			continue
		}
		if p := startPeer(t, name); p != nil {
			return p
		}
	}
	const missing = "no python3 with Flask (Debian: apt-get install python3-flask)"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip("SKIPPED: no comparison with the real Flask, since there is " + missing)
	return nil
}

// startPeer returns nil if there is no Flask.
func startPeer(t *testing.T, python string) *peer {
	cmd := exec.Command(python, "testdata/peer.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		return nil
	}
	p := &peer{t, in, bufio.NewReader(out)}
	if line, _ := p.out.ReadString('\n'); line != "ready\n" {
		in.Close()
		_ = cmd.Wait()
		return nil
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("python: %v", err)
		}
	})
	return p
}

func (p *peer) ask(q question) (a answer) {
	p.t.Helper()
	line, err := json.Marshal(q)
	if err == nil {
		_, err = p.in.Write(append(line, '\n'))
	}
	if err == nil {
		line, err = p.out.ReadBytes('\n')
	}
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err != nil || a.Error != "" {
		p.t.Fatalf("python: %s %v (asked for %+v)", a.Error, err, q)
	}
	return a
}

// source returns the source of a test's random values, and says how to get the
// same one again.
func source(t *testing.T) (*rand.Rand, uint64) {
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("again with: -taggedjson.seed=%d", n)
	return rand.New(rand.NewPCG(n, 0)), n
}

// flaskReadsWhatWeWrite also checks that Flask would have written the same
// bytes.
func flaskReadsWhatWeWrite(t *testing.T, p *peer) {
	r, _ := source(t)
	for i := range *rounds {
		m := map[string]any{}
		for range []int{0, 1, 1, 2, 5}[r.IntN(5)] {
			m[randomText(r)] = randomValue(r, 4)
		}
		data, err := dump(m)
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		a := p.ask(question{Op: "load", Text: data})
		if a.Refused != "" {
			t.Fatalf("round %d: Flask refuses %s: %s", i, shorten(data), a.Refused)
		}
		if got, want := show(a.Value.value()), show(m); got != want {
			t.Fatalf("round %d: got %s, want %s", i, shorten(got), shorten(want))
		}
		if !bytes.Equal(a.Again, data) {
			t.Fatalf("round %d: Flask writes %s, we write %s", i, shorten(a.Again), shorten(data))
		}
	}
}

// weReadWhatFlaskWrites also checks that we write back the same bytes, each
// value kept and each value written anew.
func weReadWhatFlaskWrites(t *testing.T, p *peer) {
	_, first := source(t)
	anew := 0
	for i := range *rounds {
		a := p.ask(question{Op: "random", Seed: first + uint64(i)})
		got, err := load(a.Text)
		if err != nil {
			t.Fatalf("round %d: %s: %v", i, shorten(a.Text), err)
		}
		if got, want := show(got), show(a.Value.value()); got != want {
			t.Fatalf("round %d: got %s, want %s", i, shorten(got), shorten(want))
		}
		kept, err := rejoin(a.Text)
		if err != nil || !bytes.Equal(kept, a.Text) {
			t.Fatalf("round %d: split and joined: got %s and error %v, want %s", i, shorten(kept), err, shorten(a.Text))
		}
		// What is written anew lacks halves of surrogate pairs, and numbers as
		// keys are strings by then, in another order.
		if strings.Contains(string(a.Text), `\ud`) {
			continue
		}
		again, err := dump(got)
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		flask := p.ask(question{Op: "load", Text: a.Text})
		if anew++; !bytes.Equal(again, flask.Again) {
			t.Fatalf("round %d: Flask writes %s, we write %s", i, shorten(flask.Again), shorten(again))
		}
	}
	if anew < *rounds/4 {
		t.Errorf("only %d of %d records were written anew", anew, *rounds)
	}
}

// damagedRecords changes what Flask wrote: what we still read, Flask reads
// likewise.
func damagedRecords(t *testing.T, p *peer) {
	r, first := source(t)
	read, refused := 0, 0
	for i := range *rounds {
		data := p.ask(question{Op: "random", Seed: first + uint64(i)}).Text
		if i%4 == 0 {
			data = []byte(oddValues[r.IntN(len(oddValues))])
		}
		data = damaged(r, data)
		got, err := load(data)
		if err != nil {
			refused++
			continue
		}
		read++
		a := p.ask(question{Op: "load", Text: data})
		if strings.HasPrefix(a.Refused, "OverflowError") {
			continue // a date with huge numbers, which Werkzeug forgot to make None
		}
		if a.Refused != "" {
			t.Fatalf("round %d: we read %s, but Flask says %s", i, shorten(data), a.Refused)
		}
		want := a.Value.value()
		if a.Value.T != "dict" { // null and the like
			want = map[string]any{}
		}
		if got, want := show(got), show(want); got != want {
			t.Fatalf("round %d: of %s we read %s, Flask %s", i, shorten(data), shorten(got), shorten(want))
		}
	}
	t.Logf("%d records read, %d refused", read, refused)
	if read < *rounds/20 || refused < *rounds/20 {
		t.Errorf("the damage is of the wrong kind: %d records read, %d refused", read, refused)
	}
}

// oddValues are small, so that damage hits what matters.
var oddValues = []string{
	`{"k":{" t":[1,"a"]}}`, `{" di":{" t__":[1]}}`, `{"k":{" di":{" di__":{" b":"YQ=="}}}}`,
	`{"k":{" t":[1]," b":2}}`, `{"k":{" b":"YWJj","x":1}}`, `{"k":{" t":[1]," t":[2]}}`,
	`{"k":{" b":"YW=Jj="}}`, `{"k":{" b":"Y Q!=="}}`, `{"k":{" b":"YQ==YQ=="}}`,
	`{"k":{" u":"12345678-1234-5678-1234-567812345678"}}`, `{"k":{" u":"{12345678123456781234567812345678}"}}`,
	`{"k":{" d":"Thu, 29 Feb 2024 12:34:56 GMT"}}`, `{"k":{" d":"Tuesday, 02-Jan-24 03:04:05 GMT"}}`,
	`{"k":{" d":"Tue Jan  2 03:04:05 2024"}}`, `{"k":{" d":"2 January 2024 03:04 +0530"}}`, `{"k":{" d":null}}`,
	`{"k":{" d":"Tue, 02 Jan 0067 03:04:05 EST"}}`, `{"k":{" d":"Tue,02 Jan 1999 03.04.05 -0800"}}`,
	`{"k":[1.5e300,-0,NaN,-Infinity,1E5,0.1,12345678901234567890]}`, `{"k":"\ud83d\ude00\ud800\u00e9\n"}`,
	`{"k":{" m":"<b>"},"j":null,"i":[true,false]}`, ` null `, `[ ]`, `""`, `{"\u0020\u0074":[]}`,
}

// damaged replaces, drops or doubles a few bytes.
func damaged(r *rand.Rand, data []byte) []byte {
	const letters = `{}[]":, \0123456789abdefintumTNI+-.=_/GM` + "\n\t"
	data = bytes.Clone(data)
	for range r.IntN(3) {
		if len(data) == 0 {
			break
		}
		i := r.IntN(len(data))
		switch r.IntN(4) {
		case 0:
			data[i] = letters[r.IntN(len(letters))]
		case 1:
			data = append(data[:i], data[i+1:]...)
		case 2:
			data = append(data[:i:i], append([]byte{letters[r.IntN(len(letters))]}, data[i:]...)...)
		case 3:
			j := i + r.IntN(len(data)-i)
			data = append(data[:j:j], data[i:]...)
		}
	}
	return data
}

// dates compares the reading of dates in forms that Flask does not write.
func dates(t *testing.T, p *peer) {
	for _, tt := range oddDates {
		a := p.ask(question{Op: "load", Text: dateRecord(t, tt.text)})
		if got, want := show(a.Value.value()), show(map[string]any{"k": tt.value()}); got != want || a.Refused != "" {
			t.Errorf("%q: Flask reads %s %s, we read %s", tt.text, got, a.Refused, want)
		}
	}
}

func randomText(r *rand.Rand) string {
	if r.IntN(8) == 0 {
		return []string{" t", " b", " m", " u", " d", " di", " t__", "_", ""}[r.IntN(9)]
	}
	top := []rune{0x7f, 0x7f, 0xff, 0xffff, 0x10ffff}[r.IntN(5)]
	runes := make([]rune, []int{0, 1, 5, 5, 20}[r.IntN(5)])
	for i := range runes {
		runes[i] = r.Int32N(top + 1)
		if runes[i] >= 0xd800 && runes[i] < 0xe000 {
			runes[i] = 'x'
		}
	}
	return string(runes)
}

func randomFloat(r *rand.Rand) float64 {
	switch r.IntN(4) {
	case 0:
		return []float64{0, math.Copysign(0, -1), 1e16, 1e15, 1e-4, 1e-5, 9999999999999998, 5e-324,
			math.Inf(1), math.Inf(-1), math.NaN(), 123456789, 1e22, math.MaxFloat64}[r.IntN(14)]
	case 1:
		return (r.Float64() - .5) * math.Pow(10, float64(r.IntN(40)-15))
	case 2:
		return float64(r.Int64N(1<<60)) - 1<<59
	}
	return math.Float64frombits(r.Uint64())
}

func randomValue(r *rand.Rand, depth int) any {
	n := r.IntN(9)
	if depth > 0 && n >= 4 {
		return randomContainer(r, depth-1)
	}
	switch r.IntN(11) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return r.Int64() >> r.IntN(64) * int64(1-2*r.IntN(2))
	case 3:
		b := new(big.Int).SetUint64(r.Uint64() | 1<<63)
		return b.Lsh(b, uint(r.IntN(3)*500))
	case 4:
		return randomFloat(r)
	case 5:
		b := make([]byte, r.IntN(50))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	case 6:
		zone := time.FixedZone("", (r.IntN(1800)-900)*60)
		return time.Unix(r.Int64N(310_000_000_000)-58_000_000_000, r.Int64N(1e9)).In(zone)
	case 7:
		return pyvalue.Markup(randomText(r))
	case 8:
		var u pyvalue.UUID
		for i := range u {
			u[i] = byte(r.Uint32())
		}
		return u
	}
	return randomText(r)
}

func randomContainer(r *rand.Rand, depth int) any {
	n := []int{0, 1, 1, 1, 2, 3}[r.IntN(6)]
	items := make([]any, n)
	for i := range items {
		items[i] = randomValue(r, depth)
	}
	switch r.IntN(4) {
	case 0:
		return items
	case 1:
		return pyvalue.Tuple(items)
	}
	m := map[string]any{}
	for _, item := range items {
		m[randomText(r)] = item
	}
	return m
}
