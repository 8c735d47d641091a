package testserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Server says how to run one kind of server.
type Server struct {
	// Program is the name of the executable, looked up in PATH and then in the
	// folders that match the glob patterns Folders.
	Program string
	Folders []string

	// Install is the command that installs the program, for the message where
	// it is missing.
	Install string

	// User is the user to run as where the tests run as root, for servers that
	// refuse to run as root. Empty means the user of the tests.
	User string

	// Prepare is called before the first start, to write configuration or to
	// create a database under p.Dir. It may be nil. It is called again, with
	// another folder and port, if the server finds its port taken.
	Prepare func(p *Process) error

	// Args returns the arguments of a start. The server must stay in the
	// foreground, log to its standard output or error, and keep its files in
	// p.Dir.
	Args func(p *Process) []string

	// Env is added to the environment.
	Env []string

	// Ready returns nil once the server answers; it is called again until then.
	// Nil means to connect to p.Addr.
	Ready func(ctx context.Context, p *Process) error

	// Signal ends the server in an orderly way. Zero means SIGTERM.
	Signal syscall.Signal
}

const (
	startTimeout = 60 * time.Second // CI machines are slow at the first start
	stopTimeout  = 15 * time.Second
	poll         = 10 * time.Millisecond
	launchTries  = 5
)

// A Process is a server that a test has started, with a directory and a port
// of its own that stay the same over a restart: see [FreePort]. It does not outlive the test
// binary.
type Process struct {
	Dir  string // for the server's files and sockets; its path is short
	Port int    // a TCP port on 127.0.0.1, for this server alone

	server  Server
	program string

	mu   sync.Mutex
	cmd  *exec.Cmd     // of the last start
	done chan struct{} // closed once cmd has ended
}

// Start runs s for one test and stops it when the test is over, without a
// trace on the disk. If the test has failed, the server's log is printed. If
// the program is missing, see [Missing].
func Start(t testing.TB, s Server) *Process {
	t.Helper()
	p, err := launch(s)
	if errors.Is(err, exec.ErrNotFound) {
		Missing(t, s.Program, s.Install)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.remove)
	p.logFailure(t)
	return p
}

// Missing skips t, because the program that it needs is not installed; where
// CI=true it fails t instead. install is the command that would help.
func Missing(t testing.TB, program, install string) {
	t.Helper()
	text := program + " was not found. To run this test: " + install
	if os.Getenv("CI") == "true" {
		t.Fatal(text + " (CI must not skip it)")
	}
	t.Skip(text)
}

// Addr returns the server's TCP address.
func (p *Process) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port)) }

// Path returns the path of a file in the server's directory.
func (p *Process) Path(name string) string { return filepath.Join(p.Dir, name) }

// Kill ends the server and its children at once, as kill -9 or a crash does.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	if err := p.kill(); err != nil {
		t.Errorf("kill %s: %v", p.server.Program, err)
	}
}

// Pause makes the server stop answering without closing its connections. It
// returns once the server has stopped.
func (p *Process) Pause(t testing.TB) {
	t.Helper()
	// The signal goes out again in every round: a child that the server made
	// while the first one was on its way has not got it.
	err := signalTree(p.pid(), sigStop)
	for end := time.Now().Add(stopTimeout); err == nil && !stopped(p.pid()); time.Sleep(poll) {
		if time.Now().After(end) {
			err = fmt.Errorf("it still runs after %v", stopTimeout)
			break
		}
		err = signalTree(p.pid(), sigStop)
	}
	if err != nil {
		t.Errorf("pause %s: %v", p.server.Program, err)
	}
}

// Resume undoes Pause.
func (p *Process) Resume(t testing.TB) {
	t.Helper()
	if err := signalTree(p.pid(), sigCont); err != nil {
		t.Errorf("resume %s: %v", p.server.Program, err)
	}
}

// Stop ends the server in an orderly way and keeps its data for Restart.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	if err := p.stop(); err != nil {
		t.Errorf("stop %s: %v", p.server.Program, err)
	}
}

// Restart starts the server again, on the same port and data, after Kill or
// Stop, or in an orderly way if it still runs. It returns once it is ready.
func (p *Process) Restart(t testing.TB) {
	t.Helper()
	err := p.stop()
	if err == nil {
		err = p.start()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Run runs a program to its end as the server's user, with its folder and
// environment: one that creates a database, say. It is looked for beside the
// server's own program first.
func (p *Process) Run(program string, args ...string) error {
	if beside := filepath.Join(filepath.Dir(p.program), program); isFile(beside) {
		program = beside
	}
	cmd, err := p.command(program, args)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("testserver: %s: %w\n%s", filepath.Base(program), err, bytes.TrimSpace(out))
	}
	return nil
}

func launch(s Server) (*Process, error) {
	program, err := find(s)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		p, err := launchOnce(s, program)
		// A program that is no test may have been quicker to take the port.
		if err == nil || try == launchTries || !strings.Contains(strings.ToLower(err.Error()), "address already in use") {
			return p, err
		}
	}
}

func launchOnce(s Server, program string) (*Process, error) {
	dir, err := os.MkdirTemp("", "cr-") // short: the path of a socket has 104 bytes at most
	if err != nil {
		return nil, err
	}
	p := &Process{Dir: dir, Port: FreePort(), server: s, program: program}
	err = os.Mkdir(p.tempDir(), 0o700)
	if err == nil {
		err = giveTo(s.User, dir, p.tempDir())
	}
	if err == nil && s.Prepare != nil {
		err = s.Prepare(p)
	}
	if err == nil {
		err = p.start()
	}
	if err != nil {
		p.remove()
		return nil, err
	}
	return p, nil
}

func find(s Server) (string, error) {
	path, err := exec.LookPath(s.Program)
	if err == nil {
		return path, nil
	}
	for _, folder := range s.Folders {
		found, _ := filepath.Glob(filepath.Join(folder, s.Program))
		if len(found) > 0 {
			return found[len(found)-1], nil // the newest version, mostly
		}
	}
	return "", fmt.Errorf("testserver: %w", err)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func (p *Process) tempDir() string { return p.Path("tmp") }

func (p *Process) command(program string, args []string) (*exec.Cmd, error) {
	cmd := exec.Command(program, args...)
	cmd.Dir = p.Dir
	// Servers take what they find in a folder for temporary files for their own:
	// a MariaDB that starts removes the tables that another one has there.
	cmd.Env = append(os.Environ(), "TMPDIR="+p.tempDir())
	cmd.Env = append(cmd.Env, p.server.Env...)
	var err error
	cmd.SysProcAttr, err = attributes(p.server.User)
	return cmd, err
}

func (p *Process) start() error {
	log, err := os.OpenFile(p.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd, err := p.command(p.program, p.server.Args(p))
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = log, log

	started, done := make(chan error), make(chan struct{})
	go func() {
		// Linux kills the server when the thread that started it ends, so the
		// thread is kept for as long as the server runs.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
			close(done)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("testserver: %w", err)
	}
	p.mu.Lock()
	p.cmd, p.done = cmd, done
	p.mu.Unlock()
	if err := p.wait(done); err != nil {
		p.kill()
		return fmt.Errorf("testserver: start %s: %w\n%s", p.server.Program, err, p.log(0))
	}
	return nil
}

// wait returns when the server answers, has ended, or takes too long.
func (p *Process) wait(done <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	ready := p.server.Ready
	if ready == nil {
		ready = accepts
	}
	for {
		err := ready(ctx, p)
		if err == nil {
			return nil
		}
		select {
		case <-done:
			return errors.New("it ended")
		case <-ctx.Done():
			return fmt.Errorf("not ready after %v: %w", startTimeout, err)
		case <-time.After(poll):
		}
	}
}

func accepts(ctx context.Context, p *Process) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.Addr())
	if err == nil {
		conn.Close()
	}
	return err
}

// running returns the process of the last start, or nil if it has ended.
func (p *Process) running() (*exec.Cmd, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil, nil
	}
	select {
	case <-p.done:
		return nil, nil
	default:
		return p.cmd, p.done
	}
}

// pid is zero if the server does not run.
func (p *Process) pid() int {
	if cmd, _ := p.running(); cmd != nil {
		return cmd.Process.Pid
	}
	return 0
}

func (p *Process) kill() error {
	cmd, done := p.running()
	if cmd == nil {
		return nil
	}
	signalTree(cmd.Process.Pid, sigStop) // so that it makes no more children
	err := signalTree(cmd.Process.Pid, syscall.SIGKILL)
	<-done
	return err
}

func (p *Process) stop() error {
	cmd, done := p.running()
	if cmd == nil {
		return nil
	}
	sig := p.server.Signal
	if sig == 0 {
		sig = syscall.SIGTERM
	}
	signalTree(cmd.Process.Pid, sigCont) // one that is paused would not hear it
	if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-done:
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("testserver: %s did not stop within %v", p.server.Program, stopTimeout), p.kill())
	}
}

// remove ends the server, however, and removes all that it wrote.
func (p *Process) remove() {
	p.kill()
	os.RemoveAll(p.Dir)
}

func (p *Process) logPath() string { return p.Path("server.log") }

// log returns what the server has written after the first offset bytes, at
// most the last 16 KiB of it.
func (p *Process) log(offset int64) string {
	f, err := os.Open(p.logPath())
	if err != nil {
		return "no log: " + err.Error()
	}
	defer f.Close()
	end, _ := f.Seek(0, io.SeekEnd)
	f.Seek(max(offset, end-16<<10), io.SeekStart)
	text, _ := io.ReadAll(f)
	return string(bytes.TrimSpace(text))
}

// logFailure prints what the server writes from now to the end of t if t fails.
func (p *Process) logFailure(t testing.TB) {
	info, err := os.Stat(p.logPath())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of %s:\n%s", p.server.Program, p.log(info.Size()))
		}
	})
}
