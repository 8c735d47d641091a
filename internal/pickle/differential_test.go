package pickle

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

var (
	seed   = flag.Uint64("pickle.seed", 0, "seed of the differential tests; 0 takes one from the clock")
	rounds = flag.Int("pickle.rounds", 1000, "random values in each differential test")
)

// A peer is a Python process that reads and writes pickles.
type peer struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
}

type request struct {
	Op       string `json:"op"`
	Data     []byte `json:"data,omitempty"`
	Protocol int    `json:"protocol"`
	Seed     uint64 `json:"seed"`
}

// findPython prefers the python3 of the path, which need not be the one that
// the system's packages belong to.
func findPython() (python string, err error) {
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if python, err = exec.LookPath(name); err != nil {
			continue
		}
		if err = exec.Command(python, "-c", "import sys, markupsafe; assert sys.version_info >= (3, 8)").Run(); err == nil {
			return python, nil
		}
	}
	return "", err
}

func startPeer(t *testing.T) *peer {
	t.Helper()
	python, err := findPython()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("this needs python3 (3.8 or newer) with markupsafe: %v", err)
		}
		t.Skipf("SKIPPED: no comparison with Python's pickle, since python3 (3.8 or newer) with markupsafe is missing: %v", err)
	}
	cmd := exec.Command(python, "testdata/peer.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("python: %v", err)
		}
	})
	return &peer{t, in, bufio.NewReader(out)}
}

// ask sends one request and decodes the answer into dst.
func (p *peer) ask(q request, dst any) {
	p.t.Helper()
	line, err := json.Marshal(q)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		p.t.Fatal(err)
	}
	if line, err = p.out.ReadBytes('\n'); err != nil {
		p.t.Fatal(err)
	}
	var failure struct{ Error string }
	if err := json.Unmarshal(line, &failure); err != nil || failure.Error != "" {
		p.t.Fatalf("python: %s %v (request %s)", failure.Error, err, shorten(string(mustJSON(p.t, q))))
	}
	if err := json.Unmarshal(line, dst); err != nil {
		p.t.Fatal(err)
	}
}

func mustJSON(t testing.TB, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// source returns the source of a test's random values, and says how to get the
// same one again.
func source(t *testing.T) (*rand.Rand, uint64) {
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("again with: -pickle.seed=%d", n)
	return rand.New(rand.NewPCG(n, 0)), n
}

// TestPythonReadsWhatWeWrite has Python load random values that Append wrote.
func TestPythonReadsWhatWeWrite(t *testing.T) {
	p := startPeer(t)
	r, _ := source(t)
	same, setless := 0, 0
	for i := range *rounds {
		v := randomValue(r, 3)
		protocol := r.IntN(HighestProtocol + 1)
		data, err := Append(nil, v, protocol)
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		var answer struct {
			Value tagged
			Data  []byte
		}
		p.ask(request{Op: "load", Data: data, Protocol: protocol}, &answer)
		want := v
		if protocol < 4 {
			want = withoutFolds(v)
		}
		if got, want := exactly(answer.Value.value(t)), exactly(want); got != want {
			t.Fatalf("round %d, protocol %d, %s", i, protocol, difference(got, want))
		}
		// Python does not keep the order of sets.
		if !strings.Contains(exactly(v), "set{") {
			setless++
			if bytes.Equal(answer.Data, data) {
				same++
			}
		}
	}
	t.Logf("Python wrote %d of %d values without sets in the same bytes", same, setless)
	// The rest have a Markup of one character, of which Python has two copies.
	if same < setless*98/100 {
		t.Errorf("only %d of %d values without sets are written in the same bytes", same, setless)
	}
}

// TestWeReadWhatPythonWrites reads random values of Python's making, which
// share parts, in every protocol.
func TestWeReadWhatPythonWrites(t *testing.T) {
	p := startPeer(t)
	_, first := source(t)
	for i := range *rounds {
		var answer struct {
			Value tagged
			Data  [HighestProtocol + 1][]byte
		}
		p.ask(request{Op: "random", Seed: first + uint64(i)}, &answer)
		full := answer.Value.value(t)
		wants := [2]string{exactly(withoutFolds(full)), exactly(full)}
		for protocol, data := range answer.Data {
			want := wants[min(protocol/4, 1)]
			got, err := Unmarshal(data, Limits{})
			if err != nil {
				t.Fatalf("round %d, protocol %d: %v", i, protocol, err)
			}
			if got := exactly(got); got != want {
				t.Fatalf("round %d, protocol %d, %s", i, protocol, difference(got, want))
			}
			if i%(HighestProtocol+1) != protocol {
				continue
			}
			again, err := Append(nil, got, protocol)
			if err != nil {
				t.Fatalf("round %d, protocol %d: %v", i, protocol, err)
			}
			var back struct{ Value tagged }
			p.ask(request{Op: "load", Data: again, Protocol: protocol}, &back)
			if got := exactly(back.Value.value(t)); got != want {
				t.Fatalf("round %d, protocol %d: rewritten, %s", i, protocol, difference(got, want))
			}
		}
	}
}

// withoutFolds returns v as protocols below 4 keep it.
func withoutFolds(v Value) Value {
	all := func(items []Value) []Value {
		out := []Value{}
		for _, item := range items {
			out = append(out, withoutFolds(item))
		}
		return out
	}
	switch v := v.(type) {
	case Time:
		v.Fold = false
		return v
	case DateTime:
		v.Fold = false
		return v
	case *List:
		return &List{Items: all(v.Items)}
	case *Tuple:
		return &Tuple{Items: all(v.Items)}
	case *Dict:
		d := &Dict{}
		for k, v := range v.All() {
			_ = d.Set(withoutFolds(k), withoutFolds(v))
		}
		return d
	}
	return v
}
