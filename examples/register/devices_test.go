package register

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// stores are the places whose sessions can be listed.
func stores(t *testing.T) map[string]Config {
	list := places(t)
	for name, cfg := range list {
		if cfg.Store == nil {
			delete(list, name)
		}
	}
	return list
}

var (
	device = regexp.MustCompile(`(?s)<li class="device">.*?</li>`)
	target = regexp.MustCompile(`name="device" value="([0-9a-f]{16})"`)
)

// list returns the words about each device on the page.
func list(a answer) []string {
	var all []string
	for _, d := range device.FindAllString(a.Body, -1) {
		all = append(all, words(d))
	}
	return all
}

// handles returns those of the devices that the page has a button for.
func handles(a answer) []string {
	var all []string
	for _, m := range target.FindAllStringSubmatch(a.Body, -1) {
		all = append(all, m[1])
	}
	return all
}

// with gives the visitor another browser.
func (v *visitor) with(userAgent string) *visitor {
	v.agent = userAgent
	return v
}

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"
)

func TestDevicesSeeAndEndEachOther(t *testing.T) {
	for name, cfg := range stores(t) {
		t.Run(name, func(t *testing.T) {
			s := serve(t, cfg)
			desk, phone, eve := s.visitor().with(firefox), s.visitor().with(safari), s.visitor()
			desk.post("/add", "username", "Ada")
			phone.post("/add", "username", "Ada", "remember", "on")
			eve.post("/add", "username", "Eve")

			a := desk.get("/devices")
			a.want(t, 200, "Your devices", "")
			got := list(a)
			if len(got) != 2 || !strings.Contains(got[0], "Firefox on Linux This device Last used just now Logged in just now If not used, ends in") ||
				!strings.Contains(got[1], "Safari on iPhone Last used just now Logged in just now Remembered, ends in 30 days Sign out") {
				t.Fatalf("the devices: %q", got)
			}
			phone.get("/devices").says(t, "Safari on iPhone <span")
			if got := list(eve.get("/devices")); len(got) != 1 {
				t.Errorf("another user sees %q", got)
			}

			eve.post("/devices/end", "device", handles(a)[0]).want(t, 200, "Your devices", "That device was signed out already.")
			phone.get("/").want(t, 200, "Hello, Ada.", "")
			desk.post("/devices/end", "device", handles(a)[0]).want(t, 200, "Your devices", "That device has been signed out.")
			phone.get("/").want(t, 200, "Hello, stranger.", "")
			desk.post("/devices/end", "device", handles(a)[0]).want(t, 200, "Your devices", "That device was signed out already.")

			phone.post("/add", "username", "Ada").want(t, 200, "Hello, Ada.", "Welcome, Ada. This is your ticket.")
			s.visitor().post("/add", "username", "Ada")
			phone.post("/devices/others").want(t, 200, "Your devices", "All other devices have been signed out.")
			if got := list(phone.get("/devices")); len(got) != 1 {
				t.Errorf("after the end of the others: %q", got)
			}
			desk.get("/").want(t, 200, "Hello, stranger.", "")
			eve.get("/").want(t, 200, "Hello, Eve.", "")
		})
	}
}

// The list is of a length that one can read.
func TestOldestDeviceGoes(t *testing.T) {
	s := serve(t, Config{Store: newMemory(t)})
	first := s.visitor()
	first.post("/add", "username", "Ada")
	var last *visitor
	for range maxDevices {
		last = s.visitor()
		last.post("/add", "username", "Ada")
	}
	first.get("/").want(t, 200, "Hello, stranger.", "")
	if got := list(last.get("/devices")); len(got) != maxDevices {
		t.Errorf("%d devices, want %d", len(got), maxDevices)
	}
}

func TestStrangersHaveNoDevices(t *testing.T) {
	v := serve(t, Config{Store: newMemory(t)}).visitor()
	for _, a := range []answer{v.get("/devices"), v.post("/devices/end", "device", "0123456789abcdef"), v.post("/devices/others")} {
		a.want(t, 200, "Register", "")
	}
	if v.cookies() != 0 {
		t.Error("a stranger got a cookie")
	}
}

// Sessions in cookies are not listed anywhere, and the pages promise no list.
func TestNoDevicesInCookies(t *testing.T) {
	v := serve(t, Config{Keys: [][]byte{newKey()}}).visitor()
	a := v.post("/add", "username", "Ada")
	if strings.Contains(a.Body, "/devices") || strings.Contains(v.get("/remove").Body, "other devices") {
		t.Errorf("there is a way to the devices:\n%s", a.Body)
	}
	v.get("/devices").want(t, 404, "No such hanger", "")
}

func TestDescriptionsAreText(t *testing.T) {
	v := serve(t, Config{Store: newMemory(t)}).visitor().with("<b>x</b>/1.0")
	v.post("/add", "username", "<i>Ada</i>")
	if a := v.get("/devices"); strings.Contains(a.Body, "<b>") || strings.Contains(a.Body, "<i>") {
		t.Errorf("HTML came through:\n%s", a.Body)
	}
}

func TestRemember(t *testing.T) {
	inTime(t, Config{}, func(t *testing.T, v *visitor) {
		cookie := v.post("/add", "username", "Ada", "remember", "on").Header.Get("Set-Cookie")
		if !strings.Contains(cookie, "; Max-Age=2592000;") {
			t.Errorf("Set-Cookie: %s", cookie)
		}
		time.Sleep(29 * 24 * time.Hour)
		a := v.get("/")
		a.want(t, 200, "Hello, Ada.", "Welcome, Ada. This is your ticket.")
		a.says(t, "a name stays for 30 days at most.")
		a.says(t, "<dd>30 days after you left it here, or when you log out</dd>")
		a.says(t, "24 hours")
		time.Sleep(24*time.Hour + time.Second)
		v.get("/").want(t, 200, "Hello, stranger.", "")
	})
}

// What the list says of the visitor's own device is what the ticket beside it says.
func TestThisDeviceIsInUse(t *testing.T) {
	inStoreTime(t, Config{}, func(t *testing.T, v *visitor) {
		v.post("/add", "username", "Ada")
		time.Sleep(30 * time.Second)
		a := v.get("/devices")
		if got := list(a); len(got) != 1 || !strings.Contains(got[0], "Last used just now Logged in 30 seconds ago If not used, ends in one minute") {
			t.Errorf("the devices: %q", got)
		}
		a.says(t, `data-left="60"`)
	})
}

// A login without the wish ends what an earlier one asked for.
func TestRememberedNoMore(t *testing.T) {
	inTime(t, Config{}, func(t *testing.T, v *visitor) {
		v.post("/add", "username", "Ada", "remember", "on")
		time.Sleep(time.Hour)
		cookie := v.post("/add", "username", "Ada").Header.Get("Set-Cookie")
		if cookie == "" || strings.Contains(cookie, "Max-Age") {
			t.Errorf("Set-Cookie: %s", cookie)
		}
		v.get("/").says(t, "Every page you open starts the clock again.")
		time.Sleep(61 * time.Second)
		v.get("/").want(t, 200, "Hello, stranger.", "")
	})
}

// What was chosen stays where the name has to be corrected.
func TestRememberStaysChecked(t *testing.T) {
	v := serve(t, Config{Store: newMemory(t)}).visitor()
	v.post("/add", "username", "", "remember", "on").says(t, `type="checkbox" checked`)
	if a := v.post("/add", "username", ""); strings.Contains(a.Body, " checked") {
		t.Error("the box is checked by itself")
	}
}

// A link asks; only a form logs out.
func TestLinkToLogOutAsks(t *testing.T) {
	for name, cfg := range places(t) {
		t.Run(name, func(t *testing.T) {
			v := serve(t, cfg).visitor()
			v.get("/remove").want(t, 200, "Hello, stranger.", "")
			v.post("/add", "username", "Ada")
			a := v.get("/remove")
			a.want(t, 200, "Log out?", "")
			a.says(t, `<form class="actions" method="post" action="/remove">`)
			v.get("/").want(t, 200, "Hello, Ada.", "")
			v.post("/remove").want(t, 200, "Hello, stranger.", "You are logged out. See you soon, Ada.")
		})
	}
}

func TestTimesInWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for _, tt := range []struct {
			d          time.Duration
			ago, ahead string
		}{
			{0, "just now", "now"},
			{4 * time.Second, "just now", "in 4 seconds"},
			{42700 * time.Millisecond, "42 seconds ago", "in 43 seconds"},
			{60 * time.Second, "one minute ago", "in one minute"},
			{119 * time.Second, "one minute ago", "in 2 minutes"},
			{time.Hour, "one hour ago", "in one hour"},
			{25*time.Hour + 40*time.Minute, "25 hours ago", "in 26 hours"},
			{30*24*time.Hour - time.Second, "29 days ago", "in 30 days"},
		} {
			if got := [2]string{ago(now.Add(-tt.d)), ahead(now.Add(tt.d))}; got != [2]string{tt.ago, tt.ahead} {
				t.Errorf("%v: %q, want %q and %q", tt.d, got, tt.ago, tt.ahead)
			}
		}
	})
}
