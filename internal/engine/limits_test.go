package engine_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

func TestDefaultLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{})
		b := s.Known(t)
		for key, r := range s.Records(t) {
			if !strings.HasPrefix(key, "session:") || time.Until(r.Expires) != 30*time.Minute {
				t.Errorf("the record expires in %v", time.Until(r.Expires))
			}
		}
		a := b.Visit(func(s *cloakroom.Session) { s.Set("x", make([]byte, 1<<20)) })
		if a.StatusCode != http.StatusInternalServerError {
			t.Errorf("more than 1 MiB: status %d", a.StatusCode)
		}
		b.OK(func(s *cloakroom.Session) { s.Set("x", make([]byte, 1<<20-200)) })
	})
}

func TestMaxSizeBoundsTheRecord(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{MaxSize: 200})
	b := s.Known(t)
	a := b.Visit(func(s *cloakroom.Session) { s.Set("big", strings.Repeat(sitetest.Hush, 50)) })
	events := s.Log.Take()
	last := events[len(events)-1]
	if a.StatusCode != http.StatusInternalServerError || last.Name != "Error" || !strings.Contains(last.Err.Error(), "the limit is 200") {
		t.Errorf("status %d, %s %v", a.StatusCode, last.Name, last.Err)
	}
	b.OK(func(s *cloakroom.Session) {
		if !s.Has("user") || s.Has("big") {
			t.Error("the session is not as it was")
		}
	})
}

func TestSealedTooLarge(t *testing.T) {
	s := sitetest.NewSealed(t, cloakroom.Options{})
	b := s.Known(t)
	a := b.Visit(func(s *cloakroom.Session) { s.Set("x", strings.Repeat("x", 4000)) })
	events := s.Log.Take()
	err := events[len(events)-1].Err
	if a.StatusCode != http.StatusInternalServerError || len(a.SetCookie) != 0 || !errors.Is(err, cloakroom.ErrTooLarge) {
		t.Errorf("status %d, Set-Cookie %q, error %v", a.StatusCode, a.SetCookie, err)
	}
	for _, says := range []string{"bytes too many for the 4096 that browsers keep", "cloakroom.New"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("the error %q does not say %q", err, says)
		}
	}
	b.OK(sitetest.Has(t, "the session as it was", true))
}

// The same without HTTP, and what is too large can be made smaller.
func TestSealedTooLargeForCommit(t *testing.T) {
	s := sitetest.NewSealed(t, cloakroom.Options{})
	session := s.Open(t, "")
	session.Set("x", strings.Repeat("x", 4000))
	if ticket, err := s.Manager.Commit(t.Context(), session); ticket != "" || !errors.Is(err, cloakroom.ErrTooLarge) {
		t.Errorf("a ticket %v, error %v", ticket != "", err)
	}
	sitetest.Equal(t, "events", s.Log.Events(), "Error")
	session.Set("x", "fits")
	if got := s.Open(t, s.Commit(t, session)).Get("x"); got != "fits" {
		t.Errorf("the value is %v", got)
	}
}

// As large as it says it may be: name and value take 4096 bytes together.
func TestSealedSizeLimit(t *testing.T) {
	fits := func(n int) (bool, int) {
		s := sitetest.NewSealed(t, cloakroom.Options{})
		b := s.Browser(t)
		a := b.Visit(func(s *cloakroom.Session) { s.Set("x", strings.Repeat("x", n)) })
		return a.StatusCode == http.StatusOK, len("__Host-session") + len(b.Ticket())
	}
	largest := 0
	for n := 2900; n < 3100; n++ {
		ok, size := fits(n)
		if !ok {
			break
		}
		if largest = n; size > 4096 {
			t.Fatalf("a cookie of %d bytes", size)
		}
	}
	if _, size := fits(largest); largest < 2950 || size < 4094 {
		t.Errorf("the largest cookie has %d bytes, with a value of %d", size, largest)
	}
}
