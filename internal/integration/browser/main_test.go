// Package browser runs the demo as its user does: the real program, in a real
// browser, with and without JavaScript, on a phone and on a desktop.
//
// Set CLOAKROOM_SCREENSHOTS to a directory to keep what the pages look like.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

var (
	program string          // the tool, built for these tests
	browser context.Context // nil if there is no browser
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cloakroom-browser-")
	if err != nil {
		return broken(err)
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "cloakroom")
	build := exec.Command("go", "build", "-o", program, "./cloakroom")
	build.Dir = "../../../cmd"
	if out, err := build.CombinedOutput(); err != nil {
		return broken(fmt.Errorf("build the tool: %w\n%s", err, out))
	}
	if path := findBrowser(); path != "" {
		var stop func()
		if browser, stop, err = startBrowser(path, filepath.Join(dir, "profile")); err != nil {
			return broken(err)
		}
		defer stop()
	}
	return m.Run()
}

// startBrowser starts a browser, which keeps what it keeps in the directory profile.
func startBrowser(path, profile string) (ctx context.Context, stop func(), err error) {
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // tests run as root in containers
		chromedp.UserDataDir(profile),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancelTab := chromedp.NewContext(allocator)
	stop = func() {
		cancelTab()
		cancel()
	}
	if err := chromedp.Do(ctx); err != nil {
		stop()
		return nil, nil, fmt.Errorf("start %s: %w", path, err)
	}
	return ctx, stop, nil
}

func broken(err error) int {
	fmt.Fprintln(os.Stderr, "browser:", err)
	return 1
}

func findBrowser() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// needBrowser skips a test where there is no browser. CI must have one.
func needBrowser(t *testing.T) {
	t.Helper()
	if browser != nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no browser found, and CI must have one: install chromium")
	}
	t.Skip("no browser found: install chromium to run the browser tests")
}
