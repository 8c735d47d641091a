package browser

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDiskIsFull fills the disk that the sessions lie on, and makes room again.
func TestDiskIsFull(t *testing.T) {
	disk := smallDisk(t)
	d := startDemo(t, "--store", "file:"+filepath.Join(disk, "sessions"), "--idle", "30m")
	ada := newClient(t)
	if got := register(t, ada, d.url, "Ada"); got != http.StatusOK {
		t.Fatalf("registering: status %d", got)
	}

	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	if got := register(t, newClient(t), d.url, "Eve"); got != http.StatusServiceUnavailable {
		t.Errorf("registering on a full disk: status %d, want 503", got)
	}
	d.expectLog(t, "level=ERROR", `advice="Free space`)

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if got := greeting(t, ada, d.url); !strings.Contains(got, "<bdi>Ada</bdi>") {
		t.Errorf("the session from before is lost:\n%s", got)
	}
	if got := register(t, newClient(t), d.url, "Eve"); got != http.StatusOK {
		t.Errorf("registering after the repair: status %d", got)
	}
}

// smallDisk mounts a file system of 256 KiB, which needs root.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k")
	if errors.Is(err, os.ErrPermission) {
		if os.Getenv("CI") == "true" {
			t.Fatal("mounting a small disk needs root, and CI must have it")
		}
		t.Skip("mounting a small disk needs root")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the demo has ended
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

func newClient(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func register(t *testing.T, c *http.Client, site, name string) int {
	t.Helper()
	resp, err := c.PostForm(site+"add", url.Values{"username": {name}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func greeting(t *testing.T, c *http.Client, site string) string {
	t.Helper()
	resp, err := c.Get(site)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
