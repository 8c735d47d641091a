package engine_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

func devices(t *testing.T, s *sitetest.Site, user string) []cloakroom.Device {
	t.Helper()
	list, err := s.Manager.Devices(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func handle(t *testing.T, b *sitetest.Browser) (h string) {
	t.Helper()
	b.OK(func(s *cloakroom.Session) { h = s.Handle() })
	return h
}

// A login gives the session a new ID and a new age, and keeps its data.
func TestLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{IdleTimeout: 2 * time.Hour, Lifetime: 3 * time.Hour})
		b := s.Begin(t, map[string]any{"cart": "tea"})
		old, begun := b.Ticket(), time.Now().Truncate(time.Second)
		time.Sleep(90 * time.Minute)
		b.OK(func(s *cloakroom.Session) {
			s.Login("ada")
			if s.User() != "ada" || !s.LoginTime().Equal(time.Now().Truncate(time.Millisecond)) {
				t.Errorf("within the request the user is %q since %v", s.User(), s.LoginTime())
			}
			if left := time.Until(s.Expires()); left != 2*time.Hour {
				t.Errorf("within the request it expires in %v", left)
			}
		})
		at := time.Now()
		if b.Ticket() == old {
			t.Error("the ticket has not changed")
		}
		if got := s.Values(t, old); len(got) > 0 {
			t.Errorf("the old ticket opens %v", got)
		}
		d := devices(t, s, "ada")
		if len(d) != 1 || !d[0].Created.Equal(begun) || !d[0].Login.Equal(at.Truncate(time.Millisecond)) || !d[0].LastUse.Equal(at.Truncate(time.Millisecond)) {
			t.Fatalf("at %v the devices are %+v", at, d)
		}
		// Its three hours count from the login.
		for range 2 {
			time.Sleep(85 * time.Minute)
			b.OK(func(s *cloakroom.Session) {
				if s.User() != "ada" || s.Get("cart") != "tea" {
					t.Errorf("the user is %q, with %v", s.User(), s.Get("cart"))
				}
			})
		}
		time.Sleep(11 * time.Minute)
		if got := user(t, b); got != "" {
			t.Errorf("after the lifetime the user is %q", got)
		}
		if d := devices(t, s, "ada"); len(d) != 0 {
			t.Errorf("after the lifetime there are %v", d)
		}
	})
}

// What belongs to one user does not pass to another who logs in in the same browser,
// and neither ends the other's session.
func TestLoginOfAnotherUser(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Browser(t)
	b.OK(func(s *cloakroom.Session) {
		s.Login("ada")
		s.Set("secret", "of ada")
		s.Flash("info", "for ada")
		s.SetPermanent(true)
		s.SetIdleTimeout(time.Minute)
	})
	b.OK(func(s *cloakroom.Session) {
		s.Login("bob")
		s.Set("mine", "of bob")
		if s.Permanent() || time.Until(s.Expires()) < 29*time.Minute {
			t.Errorf("bob's session is permanent: %v, expires %v", s.Permanent(), s.Expires())
		}
		if list := s.Flashes(); len(list) > 0 || s.Has("secret") {
			t.Errorf("bob sees %v and %v", list, s.Get("secret"))
		}
	})
	if got := b.Values(); len(got) != 1 || got["mine"] != "of bob" {
		t.Errorf("bob has %v", got)
	}
	if a, b := devices(t, s, "ada"), devices(t, s, "bob"); len(a) != 0 || len(b) != 1 {
		t.Errorf("ada has %v, bob %v", a, b)
	}
	if err := s.Manager.RevokeUser(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	if got := user(t, b); got != "bob" {
		t.Errorf("after ada was revoked the user is %q", got)
	}
}

func TestRevoke(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	phone, laptop, other := s.Browser(t), s.Browser(t), s.Browser(t)
	phone.OK(login("ada"))
	laptop.OK(login("ada"))
	other.OK(login("bob"))
	if err := s.Manager.Revoke(t.Context(), "bob", handle(t, phone)); !errors.Is(err, cloakroom.ErrNotFound) || !strings.HasPrefix(err.Error(), "cloakroom: revoke: no session: ") {
		t.Errorf("bob ends ada's session: %v", err)
	}
	if err := s.Manager.Revoke(t.Context(), "ada", handle(t, phone)); err != nil {
		t.Fatal(err)
	}
	if a, b, c := user(t, phone), user(t, laptop), user(t, other); a != "" || b != "ada" || c != "bob" {
		t.Errorf("the users are %q, %q and %q", a, b, c)
	}
	// A browser that was revoked can log in at once, with what its page has brought.
	phone.OK(login("ada"))
	if got := user(t, phone); got != "ada" {
		t.Errorf("after another login the user is %q", got)
	}
	if err := s.Manager.RevokeUser(t.Context(), "ada", handle(t, laptop)); err != nil {
		t.Fatal(err)
	}
	if a, b := user(t, phone), user(t, laptop); a != "" || b != "ada" {
		t.Errorf("all but the laptop: the users are %q and %q", a, b)
	}
	if d := devices(t, s, "ada"); len(d) != 1 || d[0].Handle != handle(t, laptop) {
		t.Errorf("left are %v", d)
	}
	if err := s.Manager.RevokeUser(t.Context(), "nobody"); err != nil {
		t.Errorf("a user without sessions: %v", err)
	}
}

// The device that asks is told apart, in its own request alone.
func TestCurrentDevice(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{Describe: func(r *http.Request) string { return strings.Repeat("é", 150) + r.UserAgent() }})
	phone, laptop := s.Browser(t), s.Browser(t)
	phone.OK(login("ada"))
	laptop.OK(login("ada"))
	laptop.Get("/", func(w http.ResponseWriter, r *http.Request) {
		list, err := s.Manager.Devices(r.Context(), "ada")
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		for _, d := range list {
			if d.Current != (d.Handle == cloakroom.From(r).Handle()) {
				t.Errorf("current: %+v", d)
			}
			if d.Description != strings.Repeat("é", 100) {
				t.Errorf("described as %q", d.Description)
			}
		}
	})
	for _, d := range devices(t, s, "ada") {
		if d.Current {
			t.Errorf("current without a request: %+v", d)
		}
	}
}

func TestMaxPerUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{MaxPerUser: 2})
		var browsers []*sitetest.Browser
		for range 4 {
			b := s.Browser(t)
			b.OK(login("ada"))
			browsers = append(browsers, b)
			time.Sleep(time.Second)
		}
		for i, b := range browsers {
			if got, want := user(t, b), i >= 2; (got == "ada") != want {
				t.Errorf("session %d: the user is %q", i, got)
			}
		}
		// One's own session makes room for itself.
		for range 3 {
			browsers[2].OK(login("ada"))
			browsers[2].OK((*cloakroom.Session).Regenerate)
		}
		if a, b := user(t, browsers[2]), user(t, browsers[3]); a != "ada" || b != "ada" {
			t.Errorf("after more logins of one browser the users are %q and %q", a, b)
		}
	})
}

func TestRefuseOverMax(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{MaxPerUser: 1, RefuseOverMax: true})
	first, second := s.Browser(t), s.Begin(t, map[string]any{"cart": "tea"})
	first.OK(login("ada"))
	if a := second.Visit(login("ada")); a.StatusCode != http.StatusForbidden || len(a.SetCookie) > 0 {
		t.Errorf("the second login: %v %q", a, a.SetCookie)
	}
	second.OK(func(s *cloakroom.Session) {
		s.Login("ada")
		if err := s.Save(); !errors.Is(err, cloakroom.ErrTooManySessions) {
			t.Errorf("saved with %v", err)
		}
		if s.User() != "" || s.Get("cart") != "tea" {
			t.Errorf("after the refusal the user is %q, with %v", s.User(), s.Get("cart"))
		}
	})
	first.OK((*cloakroom.Session).Destroy)
	second.OK(login("ada"))
	if got := user(t, second); got != "ada" {
		t.Errorf("after a logout the user is %q", got)
	}
}

// A user's record that somebody else has written closes logins, lest sessions be
// missing in it, and takes nothing from those who are logged in.
func TestUsersRecordOfSomebodyElse(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Browser(t)
	b.OK(login("ada"))
	for key := range s.Users(t) {
		if err := s.Store.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		s.Plant(t, key, store.Record{Data: []byte("junk"), Expires: time.Now().Add(time.Hour)})
	}
	if got := user(t, b); got != "ada" {
		t.Errorf("the user is %q", got)
	}
	if a := s.Browser(t).Visit(login("ada")); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a login: %v", a)
	}
	if _, err := s.Manager.Devices(t.Context(), "ada"); !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("devices: %v", err)
	}
}

// Names that no user can have are refused, and never shown.
func TestNamesOfUsers(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	for _, name := range []string{"", "\xff\xfe", strings.Repeat("xyzzy", 205)} {
		a := s.Browser(t).Visit(func(s *cloakroom.Session) {
			s.Login(name)
			if err := s.Err(); err == nil || strings.Contains(err.Error(), "xyzzy") {
				t.Errorf("%.10q: %v", name, err)
			}
		})
		if a.StatusCode != http.StatusInternalServerError {
			t.Errorf("%.10q: %v", name, a)
		}
	}
	long := strings.Repeat("é", 512)
	b := s.Browser(t)
	b.OK(login(long))
	if got := user(t, b); got != long {
		t.Errorf("a long name came back as %.10q", got)
	}
	if !slices.ContainsFunc(devices(t, s, long), func(d cloakroom.Device) bool { return d.Handle == handle(t, b) }) {
		t.Error("a long name has no device")
	}
}
