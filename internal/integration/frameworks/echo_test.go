package frameworks_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
)

func newEcho(use ...echo.MiddlewareFunc) *echo.Echo {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.Use(use...)
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if errors.Is(err, errPay) {
			refused(c.Response(), c.Request(), err)
			return
		}
		e.DefaultHTTPErrorHandler(err, c)
	}
	for path, handler := range paths {
		e.GET(path, echo.WrapHandler(handler))
	}
	e.GET("/pay", func(echo.Context) error { return errPay })
	return e
}

func echoAround(m *cloakroom.Manager) http.Handler { return m.Handler(newEcho(middleware.Recover())) }

// echoWithin lets the error handler run before the Manager is done.
func echoWithin(m *cloakroom.Manager) http.Handler {
	return newEcho(middleware.Recover(), echo.WrapMiddleware(m.Handler), answerErrors, middleware.Recover())
}

func answerErrors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := next(c); err != nil {
			c.Error(err)
		}
		return nil
	}
}

// Without answerErrors echo's error handler runs when the session has been
// saved: what it changes is dropped, and the log says why.
func TestErrorHandlerOfEchoAroundTheSessions(t *testing.T) {
	s := newSite(t, func(m *cloakroom.Manager) http.Handler { return newEcho(echo.WrapMiddleware(m.Handler)) })
	b := cloakroomtest.NewBrowserOn(s.server)
	if got, want := b.Get("/pay").Body, "[] []\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if log := s.log.String(); !strings.Contains(log, "put Manager.Handler around the whole router") {
		t.Errorf("logged %q", log)
	}
}
