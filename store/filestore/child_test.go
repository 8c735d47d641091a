//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package filestore

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Other processes are this test binary again, told by its environment which
// part to play.
const (
	childPart = "FILESTORE_TEST_PART"
	childDir  = "FILESTORE_TEST_DIR"
)

// parts are what a child can do. It has failed if it returns an error.
var parts = map[string]func(dir string) error{
	"count":      childCount,
	"save":       func(dir string) error { return childSave(dir, Options{}) },
	"fast save":  func(dir string) error { return childSave(dir, Options{Unsynced: true}) },
	"hold":       childHold,
	"umask 0":    func(dir string) error { return childUmask(dir, 0) },
	"umask 0777": func(dir string) error { return childUmask(dir, 0o777) },
	"denied":     childDenied,
	"full disk":  childFullDisk,
	"unmounted":  childUnmounted,
	"file size":  childFileSize,
	"open files": childOpenFiles,
}

func TestMain(m *testing.M) {
	if part := os.Getenv(childPart); part != "" {
		if err := parts[part](os.Getenv(childDir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is another process.
type child struct {
	*exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	stderr bytes.Buffer
}

// spawn starts a child.
func spawn(t *testing.T, part, dir string) *child {
	t.Helper()
	c, err := spawnIn(t, part, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// spawnIn starts a child in namespaces of its own, say.
func spawnIn(t *testing.T, part, dir string, attr *syscall.SysProcAttr) (*child, error) {
	t.Helper()
	c := &child{Cmd: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")}
	c.Env = append(os.Environ(), childPart+"="+part, childDir+"="+dir)
	c.Stderr, c.SysProcAttr = &c.stderr, attr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.in, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewScanner(out)
	return c, c.Start()
}

// line waits for a line that the child writes.
func (c *child) line(t *testing.T) string {
	t.Helper()
	if !c.out.Scan() {
		c.Wait()
		t.Fatalf("the child ended: %s", c.stderr.Bytes())
	}
	return c.out.Text()
}

// end waits for the child to succeed.
func (c *child) end(t *testing.T) {
	t.Helper()
	for c.out.Scan() {
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("the child failed: %v\n%s", err, c.stderr.Bytes())
	}
}

// openToAll makes a directory for a child that will not be root.
func openToAll(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() == 0 {
		if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "sessions")
}

const nobody = 65534

// dropRoot makes permission bits count: root may do everything.
func dropRoot() error {
	if os.Geteuid() != 0 {
		return nil
	}
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setgid(nobody); err != nil {
		return err
	}
	return syscall.Setuid(nobody)
}
