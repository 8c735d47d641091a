//go:build unix

package testserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
)

// printPorts asks for ports, prints them, and keeps them until stdin ends.
func printPorts() {
	for range 250 {
		fmt.Println(FreePort())
	}
	fmt.Println("all")
	io.Copy(io.Discard, os.Stdin)
}

// No process gets a port of another one that still runs, whether or not it uses it.
func TestPortsOfProcessesAtTheSameTime(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "TESTSERVER_PORTS=1")
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
		t.Cleanup(func() { in.Close(); cmd.Wait() })
		for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "all"; {
			if seen[lines.Text()] {
				t.Errorf("port %s is given twice", lines.Text())
			}
			seen[lines.Text()] = true
		}
	}
	if len(seen) != 3*250 {
		t.Errorf("%d ports, want %d", len(seen), 3*250)
	}
}

// A program that is no test takes the port just before the server would.
func TestAnotherPortForOneThatIsTaken(t *testing.T) {
	s := echo()
	s.Ready = func(_ context.Context, p *Process) error { _, _, err := ask(p.Addr()); return err }
	prepare, taken := s.Prepare, 0
	s.Prepare = func(p *Process) error {
		if taken == 0 {
			taken = p.Port
			l, err := net.Listen("tcp", p.Addr())
			if err != nil {
				return err
			}
			t.Cleanup(func() { l.Close() })
		}
		return prepare(p)
	}
	if p := Start(t, s); taken == 0 || p.Port == taken {
		t.Errorf("the server has port %d, want another one than %d", p.Port, taken)
	}
}
