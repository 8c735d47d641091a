package testserver

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// A Shared server is started by the first test that asks for it and serves the
// whole test binary; [Main] stops it. Tests that stop, pause or fill a server
// start their own instead.
//
//	var redis = testserver.Shared{Server: testserver.Redis()}
//
//	func TestMain(m *testing.M) { testserver.Main(m, &redis) }
type Shared struct {
	Server Server

	once sync.Once
	p    *Process
	err  error
}

// Get returns the running server. If t fails, what the server has logged since
// is printed. If the program is missing, see [Missing].
func (s *Shared) Get(t testing.TB) *Process {
	t.Helper()
	s.once.Do(func() { s.p, s.err = launch(s.Server) })
	if errors.Is(s.err, exec.ErrNotFound) {
		Missing(t, s.Server.Program, s.Server.Install)
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	s.p.logFailure(t)
	return s.p
}

// Main runs the tests, stops the shared servers and exits. It is the whole
// body of a TestMain. More tests than usual may run in parallel: those that do
// mostly wait for records to expire.
func Main(m *testing.M, shared ...*Shared) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		flag.Set("test.parallel", "48")
	}
	code := m.Run()
	for _, s := range shared {
		s.once.Do(func() {}) // nobody has asked: nobody will
		if s.p != nil {
			s.p.remove()
		}
	}
	os.Exit(code)
}
