package engine_test

import (
	"fmt"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

func flashThree(s *cloakroom.Session) {
	s.Flash("success", "one")
	s.Flash("error", "two")
	s.Flash("success", "three")
}

func TestFlashesAreShownOnce(t *testing.T) {
	b := sitetest.New(t, cloakroom.Options{}).Browser(t)
	b.OK(flashThree)
	b.OK(func(s *cloakroom.Session) {
		for _, time := range []string{"first", "second"} {
			sitetest.Flashes(t, time, s.Flashes(), "success", "one", "error", "two", "success", "three")
		}
		sitetest.Flashes(t, "by category, after all", s.Flashes("error"), "error", "two")
	})
	b.OK(func(s *cloakroom.Session) { sitetest.Flashes(t, "next page", s.Flashes()) })
}

func TestFlashesOfOtherCategoriesStay(t *testing.T) {
	b := sitetest.New(t, cloakroom.Options{}).Browser(t)
	b.OK(flashThree)
	b.OK(func(s *cloakroom.Session) {
		sitetest.Flashes(t, "of none", s.Flashes("info", "warning"))
		sitetest.Flashes(t, "success", s.Flashes("success"), "success", "one", "success", "three")
		sitetest.Flashes(t, "success again", s.Flashes("success"), "success", "one", "success", "three")
	})
	b.OK(func(s *cloakroom.Session) {
		sitetest.Flashes(t, "error and success", s.Flashes("error", "success"), "error", "two")
		sitetest.Flashes(t, "all", s.Flashes(), "error", "two")
	})
	b.OK(func(s *cloakroom.Session) { sitetest.Flashes(t, "at last", s.Flashes()) })
}

func TestAllFlashesAfterSomeAreInOrder(t *testing.T) {
	b := sitetest.New(t, cloakroom.Options{}).Browser(t)
	b.OK(flashThree)
	b.OK(func(s *cloakroom.Session) {
		s.Flashes("error")
		sitetest.Flashes(t, "all", s.Flashes(), "success", "one", "error", "two", "success", "three")
	})
}

func TestFlashesOfOneRequestReadInTwoSteps(t *testing.T) {
	sitetest.New(t, cloakroom.Options{}).Browser(t).OK(func(s *cloakroom.Session) {
		flashThree(s)
		s.Flashes("error")
		sitetest.Flashes(t, "all", s.Flashes(), "success", "one", "error", "two", "success", "three")
	})
}

func TestManyFlashesAreInOrder(t *testing.T) {
	b := sitetest.New(t, cloakroom.Options{}).Browser(t)
	var pairs []string
	flash := func(s *cloakroom.Session, from, to int) {
		for i := from; i < to; i++ {
			s.Flash("n", fmt.Sprint(i))
			pairs = append(pairs, "n", fmt.Sprint(i))
		}
	}
	b.OK(func(s *cloakroom.Session) { flash(s, 0, 30) })
	b.OK(func(s *cloakroom.Session) { flash(s, 30, 60); sitetest.Flashes(t, "all", s.Flashes(), pairs...) })
}

// A message may quote what a visitor typed, and that may be anything.
func TestFlashOfTextThatIsNotUTF8(t *testing.T) {
	const text = "Welcome, na\xefve."
	b := sitetest.New(t, cloakroom.Options{}).Browser(t)
	b.OK(func(s *cloakroom.Session) { s.Flash("success", text) })
	b.OK(func(s *cloakroom.Session) { sitetest.Flashes(t, "quoted", s.Flashes(), "success", text) })
}

func TestFlashInTheRequestThatReads(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Browser(t)
	b.OK(flashThree)
	b.OK(func(s *cloakroom.Session) {
		s.Flash("error", "four")
		sitetest.Flashes(t, "error", s.Flashes("error"), "error", "two", "error", "four")
		s.Flash("error", "five") // that page has shown its errors
		sitetest.Flashes(t, "error again", s.Flashes("error"), "error", "two", "error", "four")
		s.Flash("success", "six")
	})
	b.OK(func(s *cloakroom.Session) {
		sitetest.Flashes(t, "next page", s.Flashes(), "success", "one", "success", "three", "error", "five", "success", "six")
	})
}

// A page that has shown its messages does not show those that come later.
func TestFlashAfterAllWereReadWaits(t *testing.T) {
	b := sitetest.New(t, cloakroom.Options{}).Browser(t)
	b.OK(func(s *cloakroom.Session) {
		s.Flash("a", "one")
		sitetest.Flashes(t, "first", s.Flashes(), "a", "one")
		s.Flash("a", "two")
		sitetest.Flashes(t, "second", s.Flashes(), "a", "one")
	})
	b.OK(func(s *cloakroom.Session) { sitetest.Flashes(t, "next page", s.Flashes(), "a", "two") })
}

func TestFlashOfANewSessionShownAtOnceIsNotSaved(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	a := s.Browser(t).OK(func(s *cloakroom.Session) {
		s.Flash("a", "b")
		sitetest.Flashes(t, "at once", s.Flashes(), "a", "b")
	})
	sitetest.Equal(t, "store calls", s.Calls())
	sitetest.Equal(t, "Set-Cookie", a.SetCookie)
}

func TestFlashAfterDestroy(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Browser(t)
	b.OK(flashThree)
	old := b.Ticket()
	b.OK(func(s *cloakroom.Session) {
		s.Flashes("error")
		s.Destroy()
		sitetest.Flashes(t, "after Destroy", s.Flashes())
		s.Flash("info", "Bye.")
	})
	if b.Ticket() == old || len(s.Records(t)) != 1 {
		t.Errorf("the ticket is the same: %v; %d records", b.Ticket() == old, len(s.Records(t)))
	}
	b.OK(func(s *cloakroom.Session) { sitetest.Flashes(t, "next page", s.Flashes(), "info", "Bye.") })
}

func TestClearRemovesFlashes(t *testing.T) {
	b := sitetest.New(t, cloakroom.Options{}).Browser(t)
	b.OK(flashThree)
	b.OK(func(s *cloakroom.Session) {
		s.Flash("x", "never shown")
		s.Clear()
		sitetest.Flashes(t, "after Clear", s.Flashes())
	})
	b.OK(func(s *cloakroom.Session) { sitetest.Flashes(t, "next page", s.Flashes()) })
	b.OK(func(s *cloakroom.Session) { s.Clear(); s.Flash("a", "after") })
	b.OK(func(s *cloakroom.Session) { sitetest.Flashes(t, "flashed after Clear", s.Flashes(), "a", "after") })
}

func TestClearBeforeFlashesWereRead(t *testing.T) {
	b := sitetest.New(t, cloakroom.Options{}).Browser(t)
	b.OK(flashThree)
	b.OK(func(s *cloakroom.Session) { s.Clear(); sitetest.Flashes(t, "after Clear", s.Flashes()) })
	b.OK(func(s *cloakroom.Session) { sitetest.Flashes(t, "next page", s.Flashes()) })
}

func TestReadingNoFlashesSavesNothing(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Browser(t)
	b.OK(flashThree)
	s.Calls()
	b.OK(func(s *cloakroom.Session) {
		s.Flashes("info")
		if s.Modified() {
			t.Error("Modified after reading no flash messages")
		}
	})
	sitetest.Equal(t, "store calls", s.Calls(), "Load")
}
