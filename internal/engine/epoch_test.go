package engine_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
)

// revocable are two processes whose sessions are sealed in their cookies, and the
// store of revocations that they share.
func revocable(t *testing.T) (here, there *sitetest.Site) {
	records := sitetest.Memory(t)
	site := func() *sitetest.Site {
		return sitetest.NewSealed(t, cloakroom.Options{Revocations: records, Lifetime: cloakroom.NoLimit})
	}
	return site(), site()
}

func user(t *testing.T, b *sitetest.Browser) (name string) {
	t.Helper()
	b.OK(func(s *cloakroom.Session) { name = s.User() })
	return name
}

func TestSealedSessionsAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := revocable(t)
		phone, laptop, other := here.Browser(t), here.Browser(t), here.Browser(t)
		phone.OK(login("ada"))
		laptop.OK(login("ada"))
		other.OK(login("bob"))
		guest := here.Browser(t)
		guest.OK(func(s *cloakroom.Session) { s.Set("cart", 1) })
		elsewhere := there.Holder(t, phone.Ticket())
		if got := user(t, elsewhere); got != "ada" {
			t.Fatalf("elsewhere the user is %q", got)
		}
		if err := here.Manager.RevokeUser(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		if a, b := user(t, phone), user(t, laptop); a != "" || b != "" {
			t.Errorf("after the revocation the users are %q and %q", a, b)
		}
		if got := user(t, other); got != "bob" {
			t.Errorf("bob is %q", got)
		}
		if guest.Values()["cart"] != int64(1) {
			t.Error("a visitor without a login has lost his session")
		}
		time.Sleep(cloakroom.DefaultWatchInterval)
		if got := user(t, elsewhere); got != "" {
			t.Errorf("after the interval the user elsewhere is %q", got)
		}
		// A login since then opens everywhere at once.
		if got := user(t, there.Holder(t, laptop.Ticket())); got != "" {
			t.Errorf("the laptop's user elsewhere is %q", got)
		}
		phone.OK(login("ada"))
		if got := user(t, there.Holder(t, phone.Ticket())); got != "ada" {
			t.Errorf("after a new login the user elsewhere is %q", got)
		}
	})
}

// The record of a user outlives cookies that are sealed again and again.
func TestEpochsOutliveSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		epochs := sitetest.Files(t, t.TempDir(), filestore.Options{SweepInterval: -1, Unsynced: true}) // without a timer, for so many days
		s := sitetest.NewSealed(t, cloakroom.Options{Revocations: epochs, IdleTimeout: 7 * day, Lifetime: cloakroom.NoLimit})
		b := s.Browser(t)
		b.OK(login("ada"))
		for range 60 {
			time.Sleep(5 * day)
			if got := user(t, b); got != "ada" {
				t.Fatalf("the user is %q", got)
			}
		}
	})
}

// A store of revocations that does not answer closes the sessions of users, and one
// that has lost its records ends them.
func TestRevocationsThatFail(t *testing.T) {
	records := cloakroomtest.NewFaulty(sitetest.Memory(t))
	site := func() *sitetest.Site {
		return sitetest.NewSealed(t, cloakroom.Options{Revocations: records})
	}
	s := site()
	b := s.Browser(t)
	b.OK(login("ada"))
	ticket := b.Ticket()
	records.Inject(cloakroomtest.Fault{Err: sitetest.ErrRefused})
	if a := site().Holder(t, ticket).Visit(func(s *cloakroom.Session) { s.User() }); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without an answer of the store: %v", a)
	}
	if a := s.Browser(t).Visit(login("bob")); a.StatusCode != http.StatusServiceUnavailable || len(a.SetCookie) > 0 {
		t.Errorf("a login without an answer of the store: %v %q", a, a.SetCookie)
	}
	if err := s.Manager.RevokeUser(t.Context(), "ada"); !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("revoked with %v", err)
	}
	records.Heal()
	if got := user(t, site().Holder(t, ticket)); got != "ada" {
		t.Errorf("when the store is back the user is %q", got)
	}
	if got := user(t, sitetest.NewSealed(t, cloakroom.Options{Revocations: sitetest.Memory(t)}).Holder(t, ticket)); got != "" {
		t.Errorf("without a record the user is %q", got)
	}
}

// What sealed sessions cannot do says so.
func TestSealedSessionsAreNotListed(t *testing.T) {
	here, _ := revocable(t)
	_, err := here.Manager.Devices(t.Context(), "ada")
	for name, err := range map[string]error{
		"Devices":                    err,
		"Revoke":                     here.Manager.Revoke(t.Context(), "ada", "0123456789abcdef"),
		"RevokeUser with except":     here.Manager.RevokeUser(t.Context(), "ada", "0123456789abcdef"),
		"RevokeUser without a store": sitetest.NewSealed(t, cloakroom.Options{}).Manager.RevokeUser(t.Context(), "ada"),
	} {
		if !errors.Is(err, cloakroom.ErrUnsupported) || store.Advice(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
