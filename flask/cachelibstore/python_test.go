package cachelibstore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/internal/pickle"
	"github.com/cloakroom/cloakroom/store"
)

var seed = flag.Uint64("seed", 0, "seed of the test against cachelib; 0 means a random one")

// python is a process with the real cachelib.
type python struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

// command is one line to testdata/cachelib_child.py.
type command struct {
	Dir       string         `json:"dir,omitempty"`
	Op        string         `json:"op"`
	Key       string         `json:"key,omitempty"`
	Value     map[string]any `json:"value,omitempty"`
	Timeout   int64          `json:"timeout,omitempty"`
	Threshold int            `json:"threshold"`
	Now       int64          `json:"now,omitempty"` // zero: the real time
	Expiry    expiry         `json:"expiry,omitempty"`
}

// startPython skips the test without cachelib, but for CI, where it has to be.
func startPython(t *testing.T) *python {
	t.Helper()
	if testing.Short() {
		t.Skip("no comparison with Python with -short")
	}
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import cachelib").Run() != nil {
			continue
		}
		cmd := exec.CommandContext(t.Context(), name, "testdata/cachelib_child.py")
		cmd.Stderr = os.Stderr
		in, inErr := cmd.StdinPipe()
		out, outErr := cmd.StdoutPipe()
		if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			in.Close()
			if err := cmd.Wait(); err != nil && t.Context().Err() == nil {
				t.Errorf("python: %v", err)
			}
		})
		p := &python{t, in, bufio.NewScanner(out)}
		t.Logf("cachelib %v", p.do(command{Op: "version"}))
		return p
	}
	const why = "SKIPPED, NO CACHELIB: install it for python3 (apt-get install python3-cachelib)"
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
	return nil
}

// do has a command done and returns cachelib's answer.
func (p *python) do(c command) any {
	p.t.Helper()
	line, err := json.Marshal(c)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		p.t.Fatal(err)
	}
	if !p.out.Scan() {
		p.t.Fatalf("python ended at %s", line)
	}
	var answer any
	if err := json.Unmarshal(p.out.Bytes(), &answer); err != nil {
		p.t.Fatal(err)
	}
	return answer
}

// pickled is the pickle of a value like those that commands carry.
func pickled(t *testing.T, value map[string]any) []byte {
	t.Helper()
	d := new(pickle.Dict)
	for _, name := range []string{"n", "s"} {
		v, ok := value[name]
		if n, isInt := v.(int); isInt {
			v = int64(n)
		}
		if ok {
			if err := d.Set(name, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := pickle.Append(nil, d, pickle.HighestProtocol)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A duet is one directory that Go and Python change in turns, and another in
// which Python does all the same alone. They must look the same after each
// step.
type duet struct {
	*testing.T
	rng          *rand.Rand
	py           *python
	s            *Store
	mixed, alone string
	threshold    int
	now          int64
	used         map[int64]bool // expiries: cachelib prunes equal ones in no order
	stale        map[string]store.Record
	n            int
}

func TestAlternatingWithPython(t *testing.T) {
	for _, c := range []struct {
		name      string
		opts      Options
		threshold int
		steps     int
	}{
		{"far below the threshold", Options{}, DefaultThreshold, 400},
		{"at the threshold, dropping live records", Options{DropLive: true, Threshold: 6}, 6, 600},
		{"uncounted", Options{Threshold: -1}, 0, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			used := *seed
			if used == 0 {
				used = rand.Uint64()
			}
			t.Logf("-seed %d", used)
			d := &duet{
				T: t, rng: rand.New(rand.NewPCG(used, 0)), py: startPython(t),
				mixed: filepath.Join(t.TempDir(), "mixed"), alone: filepath.Join(t.TempDir(), "alone"),
				threshold: c.threshold, now: vectorNow.Unix(), used: map[int64]bool{}, stale: map[string]store.Record{},
			}
			c.opts.Unsynced = true
			d.s = at(t, d.mixed, c.opts, vectorNow)
			d.s.now = func() time.Time { return time.Unix(d.now, 0) }
			d.both("open", command{})
			for i := range c.steps {
				what := d.step()
				if d.compare(); t.Failed() {
					t.Fatalf("after step %d: %s", i, what)
				}
			}
		})
	}
}

// alonePython does in the directory of Python alone what somebody does in the
// mixed one; both does it in the two.
func (d *duet) alonePython(op string, c command) any {
	c.Op, c.Dir, c.Now, c.Threshold = op, d.alone, d.now, d.threshold
	return d.py.do(c)
}

func (d *duet) both(op string, c command) {
	d.Helper()
	want := d.alonePython(op, c)
	c.Op, c.Dir, c.Now, c.Threshold = op, d.mixed, d.now, d.threshold
	if got := d.py.do(c); fmt.Sprint(got) != fmt.Sprint(want) {
		d.Errorf("Python's %s answers %v, alone %v", op, got, want)
	}
}

// timeout is one that makes an expiry of its own.
func (d *duet) timeout(key string) int64 {
	if key == "session:0" && d.rng.IntN(2) == 0 {
		return 0 // never, of which there must be one only
	}
	for {
		t := 1 + d.rng.Int64N(200)
		if !d.used[d.now+t] {
			d.used[d.now+t] = true
			return t
		}
	}
}

func (d *duet) expires(timeout int64) time.Time {
	if timeout == 0 {
		return time.Time{}
	}
	return time.Unix(d.now+timeout, 0)
}

// step does something at random and says what.
func (d *duet) step() string {
	d.now += 1 + d.rng.Int64N(4)
	d.n++
	key := fmt.Sprintf("session:%d", d.rng.IntN(15))
	value := map[string]any{"n": d.n, "s": fmt.Sprintf("text %d é", d.rng.IntN(1<<20))}
	c := command{Key: key, Value: value, Timeout: d.timeout(key)}
	kind := d.rng.IntN(100)
	switch {
	case kind < 25:
		d.both("set", c)
		return "Python sets " + key
	case kind < 55:
		d.alonePython("set", c)
		d.save(key, value, c.Timeout)
		return "Go saves " + key
	case kind < 62:
		d.both("delete", c)
		return "Python deletes " + key
	case kind < 72:
		d.alonePython("delete", c)
		d.remove(key)
		return "Go deletes " + key
	case kind < 82:
		c.Expiry = expiryOf(d.expires(c.Timeout))
		d.alonePython("touch", c)
		if err := d.s.Touch(d.Context(), key, store.Record{}, d.expires(c.Timeout)); err != nil && !errors.Is(err, store.ErrNotFound) {
			d.Errorf("Touch = %v", err)
		}
		return "Go touches " + key
	case kind < 87:
		d.alonePython("expire", c)
		if _, err := d.s.DeleteExpired(d.Context(), 1000); err != nil {
			d.Errorf("DeleteExpired = %v, want nil", err)
		}
		return "Go cleans up"
	case kind < 97:
		return d.staleSave(key, value, c)
	case kind < 98:
		d.both("clear", c)
		return "Python clears"
	}
	d.both("open", c)
	return "Python starts anew"
}

// save saves in Go what Python sets alone.
func (d *duet) save(key string, value map[string]any, timeout int64) {
	d.Helper()
	prev, err := d.s.Load(d.Context(), key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		d.Fatalf("Load = %v", err)
	}
	d.stale[key] = prev
	_, err = d.s.Save(d.Context(), key, prev, store.Record{Data: pickled(d.T, value), Expires: d.expires(timeout)})
	// Pruning may have taken prev itself: then the record is gone, and it
	// takes another Save to make it anew.
	if errors.Is(err, store.ErrConflict) && d.s.opts.DropLive {
		_, err = d.s.Save(d.Context(), key, store.Record{}, store.Record{Data: pickled(d.T, value), Expires: d.expires(timeout)})
	}
	if err != nil {
		d.Errorf("Save = %v, want nil", err)
	}
}

// remove deletes in one of two ways.
func (d *duet) remove(key string) {
	prev, err := d.s.Load(d.Context(), key)
	if err == nil && d.rng.IntN(2) == 0 {
		_, err = d.s.Save(d.Context(), key, prev, store.Record{})
	} else {
		err = d.s.Delete(d.Context(), key)
	}
	if err != nil {
		d.Errorf("delete = %v, want nil", err)
	}
}

// staleSave saves with a prev that may be long gone. If it is, nothing may
// change; cachelib shows what should be there.
func (d *duet) staleSave(key string, value map[string]any, c command) string {
	prev := d.stale[key]
	path := filepath.Join(d.alone, nameOf(key))
	var is store.Record
	if file, err := os.ReadFile(path); err == nil {
		if e, data, ok := parse(file); ok && e.live(time.Unix(d.now, 0)) {
			is = store.Record{Data: data}
		}
	}
	if is.Exists() == prev.Exists() && string(is.Data) == string(prev.Data) {
		return "nothing"
	}
	d.s.nextPrune.Store(d.now + 1) // cachelib alone does not prune now
	_, err := d.s.Save(d.Context(), key, prev, store.Record{Data: pickled(d.T, value), Expires: d.expires(c.Timeout)})
	d.s.nextPrune.Store(0)
	if !errors.Is(err, store.ErrConflict) {
		d.Errorf("Save with a stale prev = %v, want ErrConflict", err)
	}
	return "Go saves with a stale prev " + key
}

// compare checks that both directories have the same files, that Python finds
// the same in both, and Go the same as Python.
func (d *duet) compare() {
	d.Helper()
	want, got := d.files(d.alone), d.files(d.mixed)
	if len(got) != len(want) {
		d.Errorf("%d files, want %d", len(got), len(want))
	}
	for name, content := range want {
		if got[name] != content {
			d.Errorf("file %s is %q, want %q", name, got[name], content)
		}
	}
	key := fmt.Sprintf("session:%d", d.rng.IntN(15))
	d.both("get", command{Key: key})
	value, _ := d.alonePython("get", command{Key: key}).(map[string]any)
	r, err := d.s.Load(d.Context(), key)
	if value == nil {
		if !errors.Is(err, store.ErrNotFound) {
			d.Errorf("Load = %q, %v, but Python finds nothing", r.Data, err)
		}
		return
	}
	value["n"] = int(value["n"].(float64))
	if err != nil || string(r.Data) != string(pickled(d.T, value)) {
		d.Errorf("Load = %q, %v, but Python finds %v", r.Data, err, value)
	}
}

// files are the contents of a directory by name, and the modes.
func (d *duet) files(dir string) map[string]string {
	d.Helper()
	all := map[string]string{}
	for _, name := range fileNames(d.T, dir) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		fi, statErr := os.Stat(filepath.Join(dir, name))
		if err := errors.Join(err, statErr); err != nil {
			d.Fatal(err)
		}
		all[name] = fmt.Sprintf("%v %s", fi.Mode(), content)
	}
	return all
}

// TestRacingWithPython has Go save without a pause while Python writes and
// deletes blindly. Each time that Python is done, its change must be there or
// under a change of Go's that knew it, and a deleted session must stay away.
func TestRacingWithPython(t *testing.T) {
	py := startPython(t)
	s, err := New(t.TempDir(), Options{Unsynced: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	py.do(command{Op: "open", Dir: s.dir, Threshold: 500})
	if errors.Is(s.exchange(s.path(countFile), s.path(countFile)), flock.ErrNoSwap) {
		t.Log("this file system has no exchange, and so a window")
		return
	}
	var done atomic.Bool
	ended := make(chan error)
	go func() { ended <- hammer(s, "k", &done) }()
	for i := range 400 {
		if i%4 == 3 {
			py.do(command{Op: "delete", Dir: s.dir, Key: "k"})
			missing(t, s, "k")
			continue
		}
		py.do(command{Op: "set", Dir: s.dir, Key: "k", Value: map[string]any{"n": i, "s": ""}})
		r, err := s.Load(t.Context(), "k")
		if n := known(r.Data); err != nil || n != int64(i) {
			t.Errorf("Load = %d, %v after Python set %d", n, err, i)
		}
	}
	done.Store(true)
	if err := <-ended; err != nil {
		t.Errorf("Go: %v", err)
	}
	tidy(t, s.dir)
}

// hammer changes the record of key, leaving its n alone, until done.
func hammer(s *Store, key string, done *atomic.Bool) error {
	for i := 0; !done.Load(); i++ {
		r, err := s.Load(context.Background(), key)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		d := new(pickle.Dict)
		err = errors.Join(d.Set("n", known(r.Data)), d.Set("s", fmt.Sprint(i)))
		data, appendErr := pickle.Append(nil, d, pickle.HighestProtocol)
		if err := errors.Join(err, appendErr); err != nil {
			return err
		}
		_, err = s.Save(context.Background(), key, r, store.Record{Data: data})
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return nil
}

// known is the n of a record.
func known(data []byte) int64 {
	v, err := pickle.Unmarshal(data, pickle.Limits{})
	if d, ok := v.(*pickle.Dict); ok && err == nil {
		n, _ := d.Get("n")
		i, _ := n.(int64)
		return i
	}
	return -1
}
