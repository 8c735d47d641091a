package engine_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

func TestLogHasHandleAndAdvice(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: store.WithAdvice(errors.New("disk full"), "make room")})
	var handle string
	b.Visit(func(s *cloakroom.Session) { handle = s.Handle(); s.Set("x", 1) })
	lines := s.Log.Lines()
	if len(lines) != 1 {
		t.Fatalf("logged %q", lines)
	}
	for _, part := range []string{"ERROR", "disk full", "session=" + handle, "advice=make room"} {
		if !strings.Contains(lines[0], part) {
			t.Errorf("logged %q without %q", lines[0], part)
		}
	}
}

func TestDefaultLoggerIsSlogs(t *testing.T) {
	j := sitetest.NewJournal(t)
	before := slog.Default()
	slog.SetDefault(j.Logger())
	t.Cleanup(func() { slog.SetDefault(before) })
	fault := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Err: sitetest.ErrRefused})
	m, err := cloakroom.New(fault, cloakroom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Open(t.Context(), cloakroom.Ticket(sitetest.Dead)); err == nil {
		t.Error("Open has no error")
	}
	if lines := j.Lines(); len(lines) != 1 {
		t.Errorf("logged %q", lines)
	}
}
