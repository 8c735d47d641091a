package browser

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/cloakroom/cloakroom/internal/testserver"
)

const (
	signOut       = ".device form[action='/devices/end'] button"
	signOutOthers = "form[action='/devices/others'] button"
)

// devices returns how many the page lists.
func (b *tab) devices() int {
	b.t.Helper()
	return eval[int](b, `document.querySelectorAll(".device").length`)
}

// wantSignedOut waits until the page says so, without being asked.
func (b *tab) wantSignedOut() {
	b.t.Helper()
	b.wait("the page says that it is signed out", func() bool { return b.visible(".out") })
	b.wantText(".out [data-reason]:not([hidden]) h1", "You have been signed out")
	b.wantText("[data-out]", "You have been signed out.")
	if got := eval[string](b, `document.title`); got != "You have been signed out · Cloakroom" {
		b.t.Errorf("the title is %q", got)
	}
	if b.visible(".until-end h1") || b.visible(".at-end h1") {
		b.t.Error("the page of before can still be seen")
	}
	if !eval[bool](b, `window.notReloaded === true`) {
		b.t.Error("the page was loaded again")
	}
}

// watch marks the page, so that a reload shows.
func (b *tab) watch() {
	b.t.Helper()
	eval[bool](b, `window.notReloaded = true`)
}

func TestTwoBrowsersEndEachOther(t *testing.T) {
	d := startDemo(t, "--store", "file:"+t.TempDir(), "--idle", "30m")
	hand, desk := openTab(t, phone, true), openTab(t, desktop, true)
	hand.register(d.url, "Ada")
	desk.register(d.url, "Ada")
	hand.watch()

	desk.click(".rail-link")
	desk.wantText(heading, "Your devices")
	if got := desk.devices(); got != 2 {
		t.Fatalf("%d devices, want 2", got)
	}
	desk.wantText(".device:first-child .device-here", "This device")
	desk.checkLayout()
	desk.shoot("devices")
	desk.click(signOut)
	desk.wantText(flash, "That device has been signed out.")
	if got := desk.devices(); got != 1 {
		t.Errorf("%d devices, want one", got)
	}
	hand.wantSignedOut()
	hand.checkLayout()
	hand.shoot("signedout")
	hand.click(".out [data-reason=ended] a")
	hand.wantText(heading, "Hello, stranger.")

	// The other way round, by a form on a phone, with the focus in the page.
	hand.register(d.url, "Ada")
	hand.click(".rail-link")
	hand.wantText(heading, "Your devices")
	hand.checkLayout()
	hand.shoot("devices")
	desk.watch()
	eval[bool](desk, `document.querySelector(".device button").focus(), true`)
	hand.click(signOutOthers)
	hand.wantText(flash, "All other devices have been signed out.")
	desk.wantSignedOut()
	if got := eval[string](desk, `document.activeElement.id`); got != "main" {
		t.Errorf("the focus is on %q, want what is new", got)
	}
	desk.checkLayout()
	desk.shoot("signedout")

	hand.click(".device form[action='/remove'] button")
	hand.wantText(flash, "You are logged out. See you soon, Ada.")
}

func TestDevicesWithoutScripts(t *testing.T) {
	d := startDemo(t, "--store", "memory", "--idle", "30m")
	hand, desk := openTab(t, phone, false), openTab(t, desktop, false)
	hand.register(d.url, "Ada")
	desk.register(d.url, "Ada")
	desk.click(".rail-link")
	desk.click(signOut)
	desk.wantText(flash, "That device has been signed out.")
	hand.reload()
	hand.wantText(heading, "Hello, stranger.")
}

// A page that was not in sight hears of it when it is.
func TestPageOutOfSightHearsLater(t *testing.T) {
	d := startDemo(t, "--store", "memory", "--idle", "30m")
	hand, desk := openTab(t, phone, true), openTab(t, desktop, true)
	hand.register(d.url, "Ada")
	hand.watch()
	hide := func(hidden string) {
		eval[bool](hand, `Object.defineProperty(document, "hidden", {configurable: true, value: `+hidden+`}), document.dispatchEvent(new Event("visibilitychange"))`)
	}
	hide("true")
	desk.register(d.url, "Ada")
	desk.click(".rail-link")
	desk.click(signOutOthers)
	if hand.visible(".out") {
		t.Error("a page out of sight listens")
	}
	hide("false")
	hand.wantSignedOut()
}

// Ctrl-C ends the streams that pages have open, so that startDemo finds no
// request that was cut off.
func TestCtrlCEndsStreams(t *testing.T) {
	var body io.Closer
	t.Cleanup(func() { body.Close() })
	d := startDemo(t, "--store", "memory")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := http.Client{Jar: jar}
	page, err := c.PostForm(d.url+"add", url.Values{"username": {"Ada"}})
	if err != nil {
		t.Fatal(err)
	}
	body = page.Body
	text, err := io.ReadAll(page.Body)
	if err != nil {
		t.Fatal(err)
	}
	session := regexp.MustCompile(`data-session="(\w+)"`).FindSubmatch(text)
	if session == nil {
		t.Fatalf("no session on the page:\n%s", text)
	}
	stream, err := c.Get(d.url + "live/" + string(session[1]))
	if err != nil {
		t.Fatal(err)
	}
	body = stream.Body
	if _, err := io.ReadFull(stream.Body, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

// Tabs of one browser: one logs out, one logs in again.
func TestOtherTabsHearOfIt(t *testing.T) {
	d := startDemo(t, "--store", "memory", "--idle", "30m")
	b := openTab(t, desktop, true)
	b.register(d.url, "Ada")
	b.watch()
	post := func(path, body string) {
		eval[bool](b, `(fetch("`+path+`", {method: "POST", body: new URLSearchParams("`+body+`")}), true)`)
	}
	post("/add", "username=Eve")
	b.wait("the page says that there was a login", func() bool { return b.visible(".out") })
	b.wantText(".out [data-reason]:not([hidden]) h1", "You have logged in again")
	b.checkLayout()
	b.click(".out [data-reason=moved] a")
	b.wantText(heading, "Hello, Eve.")
	b.watch()
	post("/remove", "")
	b.wantSignedOut()
}

func TestLinkToLogOutAsks(t *testing.T) {
	d := startDemo(t, "--store", "memory", "--idle", "30m")
	bothWays(t, func(t *testing.T, b *tab) {
		b.register(d.url, "Ada")
		b.open(d.url + "remove")
		b.wantText(heading, "Log out?")
		b.checkLayout()
		b.shoot("remove")
		b.click("button[type=submit]")
		b.wantText(flash, "You are logged out. See you soon, Ada.")
	})
}

// A visitor who asks to be remembered is, by a new process of the browser and of the
// server; one who does not is forgotten with the browser.
func TestRememberMe(t *testing.T) {
	needBrowser(t)
	dir := filepath.Join(t.TempDir(), "sessions")
	for _, tt := range []struct {
		name     string
		remember bool
		want     string
	}{
		{"remembered", true, "Hello, Ada."},
		{"not remembered", false, "Hello, stranger."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			profile := filepath.Join(t.TempDir(), "profile")
			addr := fmt.Sprintf("127.0.0.1:%d", testserver.FreePort())
			inNewProcesses := func(visit func(b *tab, d *demo)) {
				t.Run("processes", func(t *testing.T) {
					d := startDemoOn(t, addr, "--store", "file:"+dir, "--idle", "30m")
					ctx, stop, err := startBrowser(findBrowser(), profile)
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(stop)
					visit(newTab(t, ctx, phone, true), d)
					quit(t, ctx)
				})
			}
			inNewProcesses(func(b *tab, d *demo) {
				b.open(d.url)
				b.click(`a[href="/add"]`)
				b.typeInto("#username", "Ada")
				if tt.remember {
					b.tap("label[for=remember]")
					b.shoot("remember")
				}
				b.click("button[type=submit]")
				b.wantText(heading, "Hello, Ada.")
				if got := b.cookies(); len(got) != 1 || got[0].Session == tt.remember {
					b.t.Errorf("the cookies: %+v", got)
				}
			})
			inNewProcesses(func(b *tab, d *demo) {
				b.open(d.url)
				b.wantText(heading, tt.want)
				b.shoot("remembered-" + tt.name[:3])
			})
		})
	}
}

// quit ends a browser as its user does, so that it keeps what it is to keep.
func quit(t *testing.T, ctx context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := chromedp.Cancel(ctx); err != nil {
		t.Fatalf("quit the browser: %v", err)
	}
}
