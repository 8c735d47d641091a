package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

const (
	heading = ".until-end h1, .words h1"
	flash   = ".flashes .alert"
)

// everywhere runs a test on each kind of screen, with scripts and without.
func everywhere(t *testing.T, test func(*testing.T, *tab)) {
	for _, s := range []screen{phone, desktop} {
		for _, scripts := range []bool{true, false} {
			on(t, s, scripts, test)
		}
	}
}

// bothWays runs a test on a phone with scripts and on a desktop without.
func bothWays(t *testing.T, test func(*testing.T, *tab)) {
	on(t, phone, true, test)
	on(t, desktop, false, test)
}

func on(t *testing.T, s screen, scripts bool, test func(*testing.T, *tab)) {
	name := s.name + " pixels, scripts"
	if !scripts {
		name = s.name + " pixels, no scripts"
	}
	t.Run(name, func(t *testing.T) { test(t, openTab(t, s, scripts)) })
}

// register fills in the form.
func (b *tab) register(url, name string) {
	b.t.Helper()
	b.open(url)
	b.click(`a[href="/add"]`)
	b.typeInto("#username", name)
	b.click("button[type=submit]")
}

func TestVisitorRegistersAndLogsOut(t *testing.T) {
	d := startDemo(t, "--store", "file:"+t.TempDir())
	everywhere(t, func(t *testing.T, b *tab) {
		b.open(d.url)
		b.wantText(heading, "Hello, stranger.")
		b.wantText(".actions a", "Register")
		if got := b.cookies(); len(got) != 0 {
			t.Errorf("a stranger has %d cookies, want none", len(got))
		}
		b.checkLayout()
		b.shoot("stranger")

		b.click(`a[href="/add"]`)
		b.wantText(heading, "Register")
		b.wait("the focus is on the field", func() bool { return eval[string](b, `document.activeElement.id`) == "username" })
		b.checkLayout()
		b.shoot("form")

		b.typeInto("#username", "Ada")
		b.click("button[type=submit]")
		b.wantText(heading, "Hello, Ada.")
		b.wantText(flash, "Welcome, Ada. This is your ticket.")
		checkCookie(t, b.cookies())
		b.checkLayout()
		b.shoot("greeted")
		if got := eval[bool](b, `document.documentElement.classList.contains("scripted")`); got != b.scripts {
			t.Errorf("scripts ran: %v, want %v", got, b.scripts)
		}

		b.reload()
		b.wantText(heading, "Hello, Ada.")
		b.wantText(flash, "")

		b.click("button[type=submit]")
		b.wantText(heading, "Hello, stranger.")
		b.wantText(flash, "You are logged out. See you soon, Ada.")
		b.checkLayout()
		b.shoot("loggedout")

		b.reload()
		b.wantText(flash, "")
		if got := b.cookies(); len(got) != 0 {
			t.Errorf("after the logout there are %d cookies, want none", len(got))
		}
	})
}

// checkCookie looks at the cookie as the browser understood it.
func checkCookie(t *testing.T, cookies []*network.Cookie) {
	t.Helper()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies, want one", len(cookies))
	}
	c := cookies[0]
	if !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || !c.Session {
		t.Errorf("HttpOnly %v, SameSite %v, Path %v, ends with the browser %v; want true, Lax, /, true",
			c.HTTPOnly, c.SameSite, c.Path, c.Session)
	}
	if strings.HasPrefix(c.Domain, ".") {
		t.Errorf("the cookie is for all hosts below %s", c.Domain)
	}
}

func TestNamesThatAreRefused(t *testing.T) {
	d := startDemo(t, "--store", "memory")
	bothWays(t, func(t *testing.T, b *tab) {
		b.expect("422")
		tests := []struct{ name, typed, problem string }{
			{"nothing", "", "Please type a name."},
			{"too long", strings.Repeat("ab", 21), "Please use at most 40 characters; this name has 42."},
		}
		for _, tt := range tests {
			b.register(d.url, tt.typed)
			b.wantText(heading, "Register")
			b.wantText(".invalid-feedback", tt.problem)
			if got := eval[string](b, `document.querySelector("#username").value`); got != tt.typed {
				t.Errorf("%s: the field holds %q, want what was typed", tt.name, got)
			}
			if got := eval[string](b, `document.getElementById(document.querySelector("#username").getAttribute("aria-describedby").split(" ")[1]).textContent`); got != tt.problem {
				t.Errorf("%s: the field is described by %q", tt.name, got)
			}
			b.checkLayout()
		}
		b.shoot("refused")
	})
}

func TestNamesThatAreTricky(t *testing.T) {
	d := startDemo(t, "--store", "cookie")
	bothWays(t, func(t *testing.T, b *tab) {
		for _, name := range []string{
			`<script>document.title="x"</script>`,
			`<b>Ada</b>"'&amp;<img src=x>`,
			strings.Repeat("W", 40),
			"עדה לאבלייס",
		} {
			b.register(d.url, name)
			b.wantText(heading, "Hello, "+name+".")
			b.wantText(flash, "Welcome, "+name+". This is your ticket.")
			if got := eval[int](b, `document.querySelectorAll("main script, main b, main img").length`); got != 0 {
				t.Errorf("%d elements came out of the name", got)
			}
			if got := eval[string](b, `document.title`); got != "Hello, "+name+" · Cloakroom" {
				t.Errorf("the title is %q", got)
			}
			b.checkLayout()
			if strings.HasPrefix(name, "WW") {
				b.shoot("longname")
			}
			b.click("button[type=submit]")
		}
	})
}

func TestSessionEndsWhenItIsNotUsed(t *testing.T) {
	d := startDemo(t, "--store", "memory", "--idle", "5s")
	everywhere(t, func(t *testing.T, b *tab) {
		b.register(d.url, "Ada")
		b.wantText(".until-end h1", "Hello, Ada.")
		b.wait("the page says that the session has ended", func() bool { return b.visible(".at-end h1") })
		b.wantText(".at-end h1", "Your session has ended")
		if b.visible(".until-end h1") || b.visible(flash) {
			t.Error("the greeting can still be seen")
		}
		if got := eval[string](b, `document.title`); b.scripts && got != "Your session has ended · Cloakroom" {
			t.Errorf("the title is %q", got)
		}
		b.checkLayout()
		b.shoot("ended")
		b.click(".at-end a")
		b.wantText(heading, "Hello, stranger.")
	})
}

func TestCountdownRunsWithoutScripts(t *testing.T) {
	d := startDemo(t, "--store", "memory", "--idle", "90s")
	b := openTab(t, phone, false)
	b.register(d.url, "Ada")
	seconds := func() int {
		return eval[int](b, `Number(getComputedStyle(document.querySelector(".clock")).getPropertyValue("--s"))`)
	}
	if got := seconds(); got < 80 || got > 90 {
		t.Errorf("%d seconds left at first, want about 90", got)
	}
	first := seconds()
	b.wait("a second passes", func() bool { return seconds() < first })
}

func TestTabsShareTheTime(t *testing.T) {
	d := startDemo(t, "--store", "memory", "--idle", "10s")
	b := openTab(t, desktop, true)
	b.register(d.url, "Ada")
	b.wait("time passes", func() bool { return b.text(".clock-still") <= "0:08" })
	// Another tab of the same visitor announces its end.
	eval[bool](b, `(new BroadcastChannel("cloakroom-" + document.querySelector(".clock").dataset.session).postMessage(Date.now() + 60000), true)`)
	b.wait("the other tab's use is seen here", func() bool { return b.text(".clock-still") >= "0:50" })
}
