// Package pyvaluetest compares Go with Python: it asks a Python process about
// many values, and spells values in a way that both sides share.
package pyvaluetest

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/base64"
	"flag"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed peer.py
var peer string

var (
	seed   = flag.Uint64("python.seed", 0, "seed of the comparisons with Python; 0 takes one from the clock")
	rounds = flag.Int("python.rounds", 10000, "random values in each comparison with Python, in each direction")
)

// Rounds is how many random values a test compares in each direction.
func Rounds() int { return *rounds }

// Source returns a source of random values. The test's log says how to get the
// same ones again.
func Source(t *testing.T) *rand.Rand {
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("again with: -python.seed=%d -python.rounds=%d", n, *rounds)
	return rand.New(rand.NewPCG(n, 0))
}

// A Peer is a Python with the modules that a test needs, and a script.
type Peer struct {
	// Modules are what Debian has in packages called python3-….
	Modules []string
	// Script is put behind peer.py. Its function answer gets the fields of a
	// question and returns those of the answer, all of them bytes.
	Script string
}

// found are the Pythons that had what was asked for.
var found sync.Map

// find prefers the python3 of the path, which need not be the one that the
// system's packages belong to. Without any the test is skipped, or fails in CI.
func (p Peer) find(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("no comparison with Python with -short")
	}
	check := "import sys; assert sys.version_info >= (3, 9)"
	for _, m := range p.Modules {
		check += "; import " + m
	}
	if name, ok := found.Load(check); ok {
		return name.(string)
	}
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), name, "-c", check).Run() == nil {
			found.Store(check, name)
			return name
		}
	}
	missing := "no python3 (3.9 or newer) with " + strings.Join(p.Modules, " and ") +
		" (Debian: apt-get install python3-" + strings.Join(p.Modules, " python3-") + ")"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip("SKIPPED: no comparison with Python, since there is " + missing)
	return ""
}

// A Question is the fields that go to Python.
type Question [][]byte

// Ask sends questions to one Python process, and calls answered with each
// answer and with what came along with its question. Questions are made while
// earlier ones are being answered, in another goroutine. It stops at the first
// failure.
func Ask[T any](t *testing.T, p Peer, questions iter.Seq2[Question, T], answered func(about T, answer [][]byte)) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.find(t), "-c", peer+"\n\n"+p.Script+"\n\nmain(answer)\n")
	var problems bytes.Buffer
	cmd.Stderr = &problems
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
	defer func() {
		_ = cmd.Process.Kill() // it has answered all, or something is wrong
		_ = cmd.Wait()
	}()
	asked := make(chan T, 1000)
	quit := make(chan struct{})
	defer close(quit)
	go func() {
		defer close(asked)
		send(in, questions, asked, quit)
	}()
	answers := bufio.NewReaderSize(out, 1<<16)
	for about := range asked {
		line, err := answers.ReadBytes('\n')
		if err != nil {
			t.Fatalf("python: %v\n%s", err, problems.Bytes())
		}
		fields := decode(t, line)
		if bytes.HasPrefix(fields[0], []byte("!")) {
			t.Fatalf("python: %s (about %.500v)", fields[0][1:], about)
		}
		answered(about, fields)
	}
}

// send writes the questions, and passes on what belongs to them.
func send[T any](to io.WriteCloser, questions iter.Seq2[Question, T], asked chan<- T, quit <-chan struct{}) {
	defer to.Close()
	w := bufio.NewWriterSize(to, 1<<16)
	defer w.Flush()
	var line []byte
	for q, about := range questions {
		line = line[:0]
		for i, field := range q {
			if i > 0 {
				line = append(line, ' ')
			}
			line = base64.StdEncoding.AppendEncode(line, field)
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return // the reader says why
		}
		select {
		case asked <- about:
			continue
		default: // the reader waits for answers to what is still here
		}
		if w.Flush() != nil {
			return
		}
		select {
		case asked <- about:
		case <-quit:
			return
		}
	}
}

func decode(t *testing.T, line []byte) [][]byte {
	t.Helper()
	fields := bytes.Split(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	for i, f := range fields {
		b, err := base64.StdEncoding.DecodeString(string(f))
		if err != nil {
			t.Fatalf("python: %v in %.200q", err, line)
		}
		fields[i] = b
	}
	return fields
}

// Difference shows two spellings around the place where they begin to differ.
func Difference(got, want []byte) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	var b strings.Builder
	for _, s := range []struct {
		name string
		text []byte
	}{{" got ", got}, {"want ", want}} {
		b.WriteString("\n" + s.name)
		b.WriteString(strings.TrimSpace(quote(s.text[max(0, min(i-100, len(s.text))):min(i+100, len(s.text))])))
	}
	return b.String()
}
