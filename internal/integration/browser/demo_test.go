package browser

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// demo is a running `cloakroom demo`.
type demo struct {
	url string

	mu      sync.Mutex
	log     bytes.Buffer  // what it wrote to stderr
	written chan struct{} // closed at the next write
}

var printedURL = regexp.MustCompile(`http://\S+/`)

// startDemo runs the demo on a free port until the test ends, and then checks
// that Ctrl-C ends it well.
func startDemo(t *testing.T, args ...string) *demo {
	t.Helper()
	return startDemoOn(t, "127.0.0.1:0", args...)
}

// startDemoOn runs the demo on an address, which another one may have had: a
// browser knows it by that.
func startDemoOn(t *testing.T, addr string, args ...string) *demo {
	t.Helper()
	d := &demo{written: make(chan struct{})}
	cmd := exec.Command(program, append([]string{"demo", "--addr", addr}, args...)...)
	cmd.Stderr = d
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for d.url == "" && lines.Scan() {
		d.url = printedURL.FindString(lines.Text())
	}
	var drained sync.WaitGroup
	drained.Go(func() {
		for lines.Scan() {
		}
	})
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		drained.Wait()
		if err := cmd.Wait(); err != nil {
			t.Errorf("after Ctrl-C: %v\n%s", err, d.logged())
		}
	})
	if d.url == "" {
		t.Fatalf("the demo printed no address\n%s", d.logged())
	}
	return d
}

func (d *demo) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.written)
	d.written = make(chan struct{})
	return d.log.Write(p)
}

// expectLog waits until the log has all of parts. What the demo wrote before
// it answered may come through the pipe after the answer.
func (d *demo) expectLog(t *testing.T, parts ...string) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		d.mu.Lock()
		log, written := d.log.String(), d.written
		d.mu.Unlock()
		missing := slices.DeleteFunc(slices.Clone(parts), func(p string) bool { return strings.Contains(log, p) })
		if len(missing) == 0 {
			return
		}
		select {
		case <-written:
		case <-timeout:
			t.Errorf("the log lacks %q:\n%s", missing, log)
			return
		}
	}
}

func (d *demo) logged() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}
