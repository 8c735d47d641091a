package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// screen is a device that a visitor comes with.
type screen struct {
	name          string
	width, height int64
	mobile        bool
}

var (
	phone   = screen{"390", 390, 844, true}
	desktop = screen{"1280", 1280, 800, false}
)

// tab is a browser window with cookies of its own.
type tab struct {
	t        *testing.T
	ctx      context.Context
	screen   screen
	scripts  bool
	mu       sync.Mutex
	troubles []string // what the browser complained about
	expected []string // parts of complaints that are fine
}

// patience is how long a page may take to become what a test expects.
const patience = 20 * time.Second

func openTab(t *testing.T, s screen, scripts bool) *tab {
	t.Helper()
	needBrowser(t)
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	return newTab(t, ctx, s, scripts)
}

func newTab(t *testing.T, ctx context.Context, s screen, scripts bool) *tab {
	t.Helper()
	ctx, stop := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(stop)
	b := &tab{t: t, ctx: ctx, screen: s, scripts: scripts}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	call(b, log.Enable, cdp.Empty{})
	call(b, network.Enable, network.EnableParams{})
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
	b.resize(s.width, s.height)
	b.scheme("light")
	t.Cleanup(b.checkTroubles)
	return b
}

// listen notes what a developer would see in the console.
func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.troubles = append(b.troubles, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.troubles = append(b.troubles, fmt.Sprintf("console.%s", e.Type))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelVerbose || e.Entry.Level == log.EntryLevelInfo {
			return
		}
		b.troubles = append(b.troubles, fmt.Sprintf("%s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
	}
}

// expect says that complaints with this text are fine from now on.
func (b *tab) expect(text string) { b.expected = append(b.expected, text) }

func (b *tab) checkTroubles() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, trouble := range b.troubles {
		if !slices.ContainsFunc(b.expected, func(text string) bool { return strings.Contains(trouble, text) }) {
			b.t.Errorf("the browser complained: %s", trouble)
		}
	}
}

func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// call sends one command of the protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	result, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

func (b *tab) resize(width, height int64) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1, Mobile: b.screen.mobile,
	})
}

// scheme chooses light or dark, as the visitor's system would.
func (b *tab) scheme(name string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

func (b *tab) open(url string) {
	b.t.Helper()
	b.do("open "+url, chromedp.Navigate(url))
}

func (b *tab) reload() {
	b.t.Helper()
	b.do("reload", chromedp.Reload())
}

// typeInto types into a field.
func (b *tab) typeInto(selector, text string) {
	b.t.Helper()
	b.do("type", chromedp.SendKeys(chromedp.CSS(selector), text))
}

// click presses what is under the middle of the selector's first element, and
// waits for the page that comes.
func (b *tab) click(selector string) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		b.t.Fatalf("click %s: %v", selector, err)
	}
}

// tap presses what opens no page.
func (b *tab) tap(selector string) {
	b.t.Helper()
	b.do("tap "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// eval asks the page. It works without JavaScript too: that is switched off
// for the page only.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return v
}

// text returns the words of the first element, white space normalized.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return strings.Join(strings.Fields(eval[string](b, fmt.Sprintf(`(document.querySelector(%q)||{}).textContent||""`, selector))), " ")
}

func (b *tab) wantText(selector, want string) {
	b.t.Helper()
	if got := b.text(selector); got != want {
		b.t.Errorf("%s says %q, want %q", selector, got, want)
	}
}

// visible reports whether the visitor can see the first element.
func (b *tab) visible(selector string) bool {
	b.t.Helper()
	return eval[bool](b, fmt.Sprintf(
		`(e => !!e && e.getClientRects().length > 0 && getComputedStyle(e).visibility === "visible")(document.querySelector(%q))`, selector))
}

// wait asks again and again until done says so.
func (b *tab) wait(what string, done func() bool) {
	b.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			b.t.Fatalf("%s: not after %v", what, patience)
		}
	}
}

// cookies returns those of this tab.
func (b *tab) cookies() []*network.Cookie {
	b.t.Helper()
	return call(b, network.GetCookies, network.GetCookiesParams{}).Cookies
}

// checkLayout looks for what makes a page bad to use on a small screen or
// without a mouse.
func (b *tab) checkLayout() {
	b.t.Helper()
	for _, width := range []int64{b.screen.width, 320} {
		b.resize(width, b.screen.height)
		if got := eval[int64](b, `document.documentElement.scrollWidth`); got > width {
			b.t.Errorf("at %d pixels the page is %d wide", width, got)
		}
	}
	b.resize(b.screen.width, b.screen.height)
	const small = `[...document.querySelectorAll("a:not(.skip), button, input:not([type=hidden])")].map(e => e.type === "checkbox" ? e.labels[0] : e).filter(e => e.getClientRects().length > 0 && e.getBoundingClientRect().height < 44).map(e => e.outerHTML).join()`
	if got := eval[string](b, small); got != "" {
		b.t.Errorf("too small for a finger: %s", got)
	}
	const unnamed = `[...document.querySelectorAll("input:not([type=hidden])")].filter(e => !e.labels.length).map(e => e.outerHTML).join()`
	if got := eval[string](b, unnamed); got != "" {
		b.t.Errorf("no label: %s", got)
	}
	const stretched = `[...document.querySelectorAll(".ticket")].some(e => e.getBoundingClientRect().bottom - e.querySelector(".ticket-stub").getBoundingClientRect().bottom > 4)`
	if eval[bool](b, stretched) {
		b.t.Error("the ticket is longer than what is on it")
	}
	if got := eval[int](b, `[...document.querySelectorAll("h1")].filter(e => e.getClientRects().length > 0 && getComputedStyle(e).visibility === "visible").length`); got != 1 {
		b.t.Errorf("%d visible headings of level 1, want one", got)
	}
}

// shoot keeps screenshots of the page, light and dark.
func (b *tab) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("CLOAKROOM_SCREENSHOTS")
	if dir == "" {
		dir = b.t.TempDir()
	}
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		b.wait("the colours have changed", func() bool {
			return eval[bool](b, `!document.getAnimations().some(a => a instanceof CSSTransition)`)
		})
		png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			b.t.Fatalf("screenshot: %v", err)
		}
		file := fmt.Sprintf("%s-%s-%s.png", name, b.screen.name, scheme)
		if err := os.WriteFile(filepath.Join(dir, file), png, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	b.scheme("light")
}
