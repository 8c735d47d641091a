//go:build unix

package testserver

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is also the server: it answers each connection with its
// process number and counts its starts in a file.
func TestMain(m *testing.M) {
	if addr := os.Getenv("TESTSERVER_LISTEN"); addr != "" {
		fmt.Println(serve(addr))
		os.Exit(1)
	}
	if os.Getenv("TESTSERVER_PORTS") != "" {
		printPorts()
		return
	}
	Main(m, &shared)
}

func serve(addr string) error {
	f, err := os.OpenFile("starts", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	f.WriteString("x")
	f.Close()
	f, err = os.CreateTemp("", "temporary")
	if err != nil {
		return err
	}
	f.Close()
	if child := os.Getenv("TESTSERVER_CHILD"); child != "" {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "TESTSERVER_LISTEN="+child, "TESTSERVER_CHILD=")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // leaves the group
		if err := cmd.Start(); err != nil {
			return err
		}
	}
	if os.Getenv("TESTSERVER_BROOD") != "" {
		// One child after the other, each in a session of its own, as
		// PostgreSQL makes them for its connections.
		const script = `use POSIX "setsid"; while (1) { if (!fork) { setsid; sleep 30; exit } select undef, undef, undef, 0.002 }`
		if err := exec.Command("perl", "-e", script).Start(); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		fmt.Fprintln(conn, os.Getpid(), os.Getuid())
		conn.Close()
	}
}

func echo(env ...string) Server {
	return Server{
		Program: os.Args[0],
		Args:    func(*Process) []string { return nil },
		Prepare: func(p *Process) error {
			p.server.Env = append(env, "TESTSERVER_LISTEN="+p.Addr())
			return nil
		},
	}
}

var shared = Shared{Server: echo()}

// ask returns what the server at addr says.
func ask(addr string) (pid, uid int, err error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(300 * time.Millisecond))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return 0, 0, err
	}
	_, err = fmt.Sscan(line, &pid, &uid)
	return pid, uid, err
}

func mustAsk(t *testing.T, addr string) int {
	t.Helper()
	pid, _, err := ask(addr)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestRestartKeepsPortAndData(t *testing.T) {
	p := Start(t, echo())
	seen := map[int]bool{}
	for i, end := range []func(testing.TB){p.Kill, p.Stop, func(testing.TB) {}} {
		seen[mustAsk(t, p.Addr())] = true
		end(t)
		if _, _, err := ask(p.Addr()); i < 2 && err == nil {
			t.Errorf("it still answers")
		}
		p.Restart(t)
		starts, err := os.ReadFile(p.Path("starts"))
		if err != nil || len(starts) != i+2 {
			t.Errorf("its file tells of %d starts (%v), want %d", len(starts), err, i+2)
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d processes, want 3", len(seen))
	}
}

func TestPauseStopsTheChildrenToo(t *testing.T) {
	child := fmt.Sprintf("127.0.0.1:%d", FreePort())
	s := echo("TESTSERVER_CHILD=" + child)
	s.Ready = func(context.Context, *Process) error { _, _, err := ask(child); return err }
	p := Start(t, s)
	if mustAsk(t, p.Addr()) == mustAsk(t, child) {
		t.Fatal("there is no child")
	}
	p.Pause(t)
	for _, addr := range []string{p.Addr(), child} {
		if _, _, err := ask(addr); err == nil {
			t.Errorf("it answers at %s", addr)
		}
	}
	p.Resume(t)
	for _, addr := range []string{p.Addr(), child} {
		mustAsk(t, addr)
	}
	p.Pause(t)
	p.Kill(t) // also one that is paused
	if _, _, err := ask(child); err == nil {
		t.Error("the child still answers")
	}
}

func TestPauseStopsChildrenThatAreJustMade(t *testing.T) {
	if _, err := exec.LookPath("perl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("perl makes the children here, and CI must have it: %v", err)
		}
		t.Skip("perl, which makes the children here, is not installed")
	}
	p := Start(t, echo("TESTSERVER_BROOD=1"))
	for range 8 {
		p.Pause(t)
		p.Resume(t)
	}
}

func TestNothingIsLeft(t *testing.T) {
	var p *Process
	t.Run("use", func(t *testing.T) {
		p = Start(t, echo())
		p.Pause(t)
	})
	if _, err := os.Stat(p.Dir); !os.IsNotExist(err) {
		t.Errorf("its directory is still there: %v", err)
	}
	if pid := p.pid(); pid != 0 {
		t.Errorf("process %d still runs", pid)
	}
}

func TestStartSaysWhy(t *testing.T) {
	s := echo()
	s.Prepare = func(p *Process) error {
		p.server.Env = []string{"TESTSERVER_LISTEN=nowhere:at all"}
		return nil
	}
	_, err := launch(s)
	if err == nil || !strings.Contains(err.Error(), "listen tcp") {
		t.Errorf("launch = %v, want the server's last words", err)
	}
}

func TestAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("only root can become another user, and CI must be")
		}
		t.Skip("only root can become another user")
	}
	exe, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	s := echo()
	s.User = "nobody"
	prepare := s.Prepare
	s.Prepare = func(p *Process) error {
		// The binary's own folder may be closed to others.
		p.program = p.Path("program")
		if err := os.WriteFile(p.program, exe, 0o755); err != nil {
			return err
		}
		return prepare(p)
	}
	p := Start(t, s)
	if _, uid, err := ask(p.Addr()); uid == 0 || err != nil {
		t.Errorf("it runs as %d, %v, want nobody", uid, err)
	}
}

// Servers of one kind take what lies in a common folder for what they have left
// behind themselves, and remove it.
func TestTemporaryFilesAreItsOwn(t *testing.T) {
	p := Start(t, echo())
	if found, err := filepath.Glob(p.Path("tmp/temporary*")); len(found) != 1 || err != nil {
		t.Errorf("%d temporary files in its folder (%v), want 1", len(found), err)
	}
}

func TestSharedStartsOnce(t *testing.T) {
	if a, b := shared.Get(t), shared.Get(t); a != b || mustAsk(t, a.Addr()) == 0 {
		t.Errorf("two servers: %v and %v", a, b)
	}
}

func TestMissing(t *testing.T) {
	for ci, want := range map[string]string{"true": "failed", "": "skipped"} {
		t.Setenv("CI", ci)
		f := &recorder{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			Start(f, Server{Program: "no-such-server", Install: "apt-get install it"})
		}()
		<-done
		if f.did != want || !strings.Contains(f.text, "apt-get install it") {
			t.Errorf("CI=%q: %s with %q, want %s and how to install it", ci, f.did, f.text, want)
		}
	}
}
