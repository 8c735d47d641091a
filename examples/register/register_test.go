package register

import (
	"regexp"
	"strings"
	"testing"
)

func TestRegisterAndLogOut(t *testing.T) {
	for name, cfg := range places(t) {
		t.Run(name, func(t *testing.T) {
			v := serve(t, cfg).visitor()
			v.get("/").want(t, 200, "Hello, stranger.", "")
			v.get("/add").want(t, 200, "Register", "")
			if v.cookies() != 0 {
				t.Error("looking around has set a cookie")
			}
			v.post("/add", "username", "  Ada ").want(t, 200, "Hello, Ada.", "Welcome, Ada. This is your ticket.")
			v.get("/").want(t, 200, "Hello, Ada.", "")
			v.post("/remove").want(t, 200, "Hello, stranger.", "You are logged out. See you soon, Ada.")
			v.get("/").want(t, 200, "Hello, stranger.", "")
			if v.cookies() != 0 {
				t.Error("after the goodbye there still is a cookie")
			}
		})
	}
}

func TestTicketOfALoggedOutSessionOpensNothing(t *testing.T) {
	s := serve(t, Config{Store: newMemory(t)})
	v := s.visitor()
	v.post("/add", "username", "Ada")
	thief := s.visitor()
	thief.Client().Jar.SetCookies(mustURL(t, s.url), v.Cookies("/"))
	thief.get("/").want(t, 200, "Hello, Ada.", "")
	v.NoRedirects = true
	v.post("/remove")
	thief.get("/").want(t, 200, "Hello, stranger.", "") // nor is the goodbye meant for the thief
}

func TestRegisteringAgainNeedsALogout(t *testing.T) {
	v := serve(t, Config{Store: newMemory(t)}).visitor()
	v.post("/add", "username", "Ada")
	v.get("/add").want(t, 200, "Hello, Ada.", "You have registered already, Ada. Log out to use another name.")
}

// A session that existed before the login gets a new ID by it.
func TestRegisteringChangesTheID(t *testing.T) {
	s := serve(t, Config{Store: newMemory(t)})
	v := s.visitor()
	v.post("/add", "username", "Ada")
	before := v.Cookies("/")[0].Value
	v.post("/add", "username", "Eve").want(t, 200, "Hello, Eve.", "Welcome, Eve. This is your ticket.")
	if after := v.Cookies("/")[0].Value; after == before {
		t.Error("the ticket is the one from before")
	}
	if !strings.Contains(s.log.String(), "session regenerated") {
		t.Errorf("no line about it in the log:\n%s", s.log)
	}
}

func TestVisitorsDoNotMeet(t *testing.T) {
	s := serve(t, Config{Store: newMemory(t)})
	ada, eve := s.visitor(), s.visitor()
	ada.post("/add", "username", "Ada")
	eve.post("/add", "username", "Eve")
	ada.get("/").want(t, 200, "Hello, Ada.", "")
	eve.get("/").want(t, 200, "Hello, Eve.", "")
}

func TestLoggingOutAsAStranger(t *testing.T) {
	v := serve(t, Config{Store: newMemory(t)}).visitor()
	v.post("/remove").want(t, 200, "Hello, stranger.", "")
}

func TestHTMLInNamesIsText(t *testing.T) {
	v := serve(t, Config{Keys: [][]byte{newKey()}}).visitor()
	const name = `<script>alert(1)</script>"'&`
	a := v.post("/add", "username", name)
	a.want(t, 200, "Hello, "+name+".", "Welcome, "+name+". This is your ticket.")
	if strings.Contains(a.Body, "<script>") || strings.Contains(a.Body, `"'&`) {
		t.Errorf("the name came through as it is:\n%s", a.Body)
	}
	long := name + strings.Repeat("x", maxName)
	a = v.post("/add", "username", long)
	if strings.Contains(a.Body, "<script>") || !strings.Contains(a.Body, `value="&lt;script&gt;`) {
		t.Errorf("the refused name came through as it is:\n%s", a.Body)
	}
}

func TestTicketShowsHandleAndTime(t *testing.T) {
	s := serve(t, Config{Store: newMemory(t)})
	v := s.visitor()
	a := v.post("/add", "username", "Ada")
	m := regexp.MustCompile(`data-left="60" data-of="60" data-session="([0-9a-f]{16})"`).FindStringSubmatch(a.Body)
	if m == nil {
		t.Fatalf("no minute and no handle:\n%s", a.Body)
	}
	if !strings.Contains(s.log.String(), `msg="session created" session=`+m[1]) {
		t.Errorf("the log does not name the session %s:\n%s", m[1], s.log)
	}
	if !strings.Contains(a.Body, `href="/left/60-60.css"`) {
		t.Error("the countdown's style sheet is missing")
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, cfg := range map[string]Config{
		"neither store nor keys": {},
		"a short key":            {Keys: [][]byte{[]byte("short")}},
		"negative idle timeout":  {Store: newMemory(t), Idle: -5},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(cfg); err == nil || !strings.HasPrefix(err.Error(), "register: ") {
				t.Errorf("error %v, want one of register's", err)
			}
		})
	}
}

func TestCookieIsCareful(t *testing.T) {
	v := serve(t, Config{Store: newMemory(t)}).visitor()
	v.NoRedirects = true
	got := v.post("/add", "username", "Ada").Header.Get("Set-Cookie")
	if !regexp.MustCompile(`^cloakroom_demo=[^;]+; Path=/; HttpOnly; SameSite=Lax$`).MatchString(got) {
		t.Errorf("Set-Cookie: %s", got)
	}
}
