package register

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
)

const closed = "The cloakroom is closed for a moment"

func TestStoreFails(t *testing.T) {
	full := store.WithAdvice(syscall.ENOSPC, "Free some space.")
	tests := []struct {
		name  string
		op    cloakroomtest.Op
		try   func(*visitor) answer
		again string // where the page leads
	}{
		{"at reading", cloakroomtest.OpLoad, func(v *visitor) answer { return v.get("/") }, "/"},
		{"at the form", cloakroomtest.OpLoad, func(v *visitor) answer { return v.get("/add") }, "/add"},
		{"at showing the message", cloakroomtest.OpSave, func(v *visitor) answer { return v.get("/") }, "/"},
		{"at registering", cloakroomtest.OpSave, func(v *visitor) answer { return v.post("/add", "username", "Eve") }, "/"},
		{"at the devices", cloakroomtest.OpLoad, func(v *visitor) answer { return v.get("/devices") }, "/devices"},
		{"at ending the others", cloakroomtest.OpSave, func(v *visitor) answer { return v.post("/devices/others") }, "/"},
		{"at logging out", cloakroomtest.OpSave, func(v *visitor) answer { return v.post("/remove") }, "/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			faulty := cloakroomtest.NewFaulty(newMemory(t))
			s := serve(t, Config{Store: faulty})
			v := s.visitor()
			v.post("/add", "username", "Ada")
			leaveMessage(v)
			before := v.Cookies("/")

			faulty.Inject(cloakroomtest.Fault{Op: tt.op, Err: full})
			a := tt.try(v)
			a.want(t, 503, closed, "")
			a.says(t, `href="`+tt.again+`">Try again</a>`)
			if a.Header.Get("Retry-After") == "" || a.Header.Get("Content-Security-Policy") != policy {
				t.Errorf("headers of the error page: %v", a.Header)
			}
			if log := s.log.String(); !strings.Contains(log, `advice="Free some space."`) {
				t.Errorf("no advice in the log:\n%s", log)
			}
			after := v.Cookies("/")
			if len(after) != 1 || after[0].Value != before[0].Value {
				t.Error("the visitor lost the ticket")
			}
		})
	}
}

// leaveMessage leaves a flash message that no page has shown yet.
func leaveMessage(v *visitor) {
	v.NoRedirects = true
	v.get("/add")
	v.NoRedirects = false
}

func TestSessionThatIsToBlame(t *testing.T) {
	faulty := cloakroomtest.NewFaulty(newMemory(t))
	v := serve(t, Config{Store: faulty}).visitor()
	faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: store.TooLarge(2, 1)})
	v.post("/add", "username", "Ada").want(t, 500, "Something is wrong here", "")
	if v.cookies() != 0 {
		t.Error("there is a cookie without a session")
	}
}

// The directory of the sessions turns into a file, which stops root too, and
// comes back.
func TestDirectoryIsRepaired(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sessions")
	s := serve(t, Config{Store: newFiles(t, dir)})
	v := s.visitor()
	v.post("/add", "username", "Ada")

	if err := errors.Join(os.Rename(dir, dir+".away"), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	v.get("/").want(t, 503, closed, "")
	s.visitor().post("/add", "username", "Eve").want(t, 503, closed, "")
	v.post("/remove").want(t, 503, closed, "")
	if log := s.log.String(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, `advice="`) {
		t.Errorf("the log gives no advice:\n%s", log)
	}

	if err := errors.Join(os.Remove(dir), os.Rename(dir+".away", dir)); err != nil {
		t.Fatal(err)
	}
	v.get("/").want(t, 200, "Hello, Ada.", "")
	s.visitor().post("/add", "username", "Eve").want(t, 200, "Hello, Eve.", "Welcome, Eve. This is your ticket.")
}
