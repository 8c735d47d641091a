package memcachedstore

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// python is a process with the Python clients.
type python struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

// startPython skips the test without the clients, but for CI, where they have
// to be.
func startPython(t *testing.T) *python {
	t.Helper()
	const program = "/usr/bin/python3" // the one that apt-get installs for
	if exec.Command(program, "-c", "import cachelib, memcache, pylibmc, pymemcache").Run() != nil {
		const why = "SKIPPED, NO CLIENTS: apt-get install python3-cachelib python3-memcache python3-pylibmc python3-pymemcache"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	cmd := exec.CommandContext(t.Context(), program, "testdata/clients.py")
	cmd.Stderr = os.Stderr
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	return &python{t, in, bufio.NewScanner(out)}
}

// do has a command done for each key, and returns the answers.
func (p *python) do(client, op string, servers, keys []string, value string, exptime int) (answers []any) {
	p.t.Helper()
	command, err := json.Marshal(map[string]any{"client": client, "op": op, "servers": servers,
		"keys": keys, "value": value, "exptime": exptime})
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(command, '\n')); err != nil {
		p.t.Fatal(err)
	}
	if !p.out.Scan() {
		p.t.Fatalf("python ended at %s", command)
	}
	if err := json.Unmarshal(p.out.Bytes(), &answers); err != nil {
		p.t.Fatal(err)
	}
	return answers
}

// What a Flask application does with its records, Flask-Session's default
// lifetime of 31 days included, which is sent as a date.
func TestPythonSharesRecords(t *testing.T) {
	p := startPython(t)
	all := []string{one.Get(t).Addr(), two.Get(t).Addr(), three.Get(t).Addr()}
	for _, c := range []struct {
		client string
		d      Distribution
	}{
		{"pymemcache", Pymemcache}, {"python-memcached", PythonMemcached}, {"pylibmc", Pylibmc}, {"ketama", Ketama},
	} {
		for _, servers := range [][]string{all[:1], all} {
			t.Run(fmt.Sprintf("%s on %d", c.client, len(servers)), func(t *testing.T) {
				s := open(t, Options{Distribution: c.d}, servers...)
				prefix, n := key(t, "session"), 60
				if len(servers) == 1 {
					n = 2
				}
				var keys []string
				for i := range n {
					keys = append(keys, fmt.Sprint(prefix, i))
				}
				month := time.Now().Add(31 * 24 * time.Hour)
				for i, key := range keys {
					if _, err := s.Save(t.Context(), key, store.Record{}, store.Record{Data: []byte("\x81 ours"), Expires: month}); err != nil {
						t.Fatal(err)
					}
					if got := p.do(c.client, "get", servers, keys[i:i+1], "", 0)[0]; got != "\u0081 ours" {
						t.Fatalf("python reads %v of record %d", got, i)
					}
				}
				p.do(c.client, "set", servers, keys, "\u0081 theirs", int(month.Unix()))
				p.do(c.client, "get", servers, keys, "", 0) // pymemcache does not wait for answers
				for _, key := range keys {
					r := holds(t, s, key, "\x81 theirs")
					if d := r.Expires.Sub(month).Abs(); d > 2*grid*time.Second {
						t.Errorf("the expiry is %v, want %v", r.Expires, month)
					}
					// What python has written is as good as ours.
					if _, err := s.Save(t.Context(), key, r, store.Record{Data: []byte("again"), Expires: month}); err != nil {
						t.Errorf("Save = %v, want nil", err)
					}
				}
				if got := p.do(c.client, "get", servers, keys[:1], "", 0)[0]; got != "again" {
					t.Errorf("python reads %v, want again", got)
				}
			})
		}
	}
}

// cachelib has its client pickle the values, which it knows by the flags.
func TestCachelibSharesRecords(t *testing.T) {
	p := startPython(t)
	servers := []string{one.Get(t).Addr()}
	s := open(t, Options{Flags: 1}, servers...)
	key := key(t, "k")
	p.do("cachelib", "set", servers, []string{key}, "theirs", 3600)
	r, err := s.Load(t.Context(), key)
	if err != nil || !strings.Contains(string(r.Data), "theirs") || time.Until(r.Expires) < 50*time.Minute {
		t.Fatalf("Load = %q until %v, %v, want a pickle", r.Data, r.Expires, err)
	}
	mine := strings.Replace(string(r.Data), "theirs", "not so", 1)
	if _, err := s.Save(t.Context(), key, r, store.Record{Data: []byte(mine), Expires: far()}); err != nil {
		t.Fatal(err)
	}
	if got := p.do("cachelib", "get", servers, []string{key}, "", 0)[0]; got != "not so" {
		t.Errorf("cachelib reads %v, want what was saved", got)
	}
}

// A store that disagrees with the other clients finds some of the records
// only, so the test above would notice.
func TestDistributionsDiffer(t *testing.T) {
	names := []string{"10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211"}
	same := map[string]int{}
	counts := map[Distribution][3]int{}
	const n = 3000
	all := []Distribution{Ketama, Pymemcache, PythonMemcached, Pylibmc}
	for i := range n {
		key := fmt.Sprintf("session:%d", i)
		var at []int
		for _, d := range all {
			locate, err := d.over(names)
			if err != nil {
				t.Fatal(err)
			}
			k := locate(key)
			at = append(at, k)
			c := counts[d]
			c[k]++
			counts[d] = c
		}
		for a := range at {
			for b := range a {
				if at[a] == at[b] {
					same[string(all[a]+" and "+all[b])]++
				}
			}
		}
	}
	for pair, n := range same {
		if n > 1800 {
			t.Errorf("%s agree on %d of 3000 keys", pair, n)
		}
	}
	for d, c := range counts {
		for _, share := range c {
			if share < n/3*7/10 || share > n/3*13/10 {
				t.Errorf("%s spreads %d keys as %v", d, n, c)
			}
		}
	}
}

// Consistent hashing: few keys move when a server is added.
func TestNewServerMovesFewKeys(t *testing.T) {
	names := []string{"10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211", "10.0.0.4:11211"}
	for _, d := range []Distribution{Ketama, Pymemcache} {
		before, err := d.over(names[:3])
		if err != nil {
			t.Fatal(err)
		}
		after, err := d.over(names)
		if err != nil {
			t.Fatal(err)
		}
		moved := 0
		for i := range 1000 {
			key := fmt.Sprintf("session:%d", i)
			if a := after(key); a != before(key) {
				if moved++; a != 3 {
					t.Fatalf("%s: a key moves from one old server to another", d)
				}
			}
		}
		if moved < 150 || moved > 350 {
			t.Errorf("%s: %d of 1000 keys move, want about 250", d, moved)
		}
	}
}
