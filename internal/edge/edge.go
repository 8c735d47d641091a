// Package edge is between a request and the engine: it reads tickets from
// cookies and headers, commits the session before the answer's first byte leaves, and
// tells the visitor what has become of it.
package edge

import (
	"errors"
	"net/http"
	"sync"

	"github.com/cloakroom/cloakroom/internal/engine"
	"github.com/cloakroom/cloakroom/internal/rules"
	"github.com/cloakroom/cloakroom/store"
)

// MaxCookie is what browsers keep of a cookie's name and value together
// (RFC 6265bis, section 5.6; OWASP ASVS 5.0, 3.3.5). They drop larger ones
// without a word.
const MaxCookie = 4096

// A Middleware serves the sessions of one Manager. It is made once, all fields
// set, and is safe for concurrent use.
type Middleware struct {
	Engine       *engine.Engine
	Rules        *rules.Rules
	CookieName   string
	Transports   *Transports // nil means the cookie alone
	Insecure     bool
	ErrorHandler func(http.ResponseWriter, *http.Request, error)
	Describe     func(*http.Request) string // the device of a login

	warnPlainHTTP, warnSharing, warnLateUse sync.Once
}

var errPlainHTTP = errors.New("cloakroom: cookie: a Secure cookie was set on a plain HTTP request: browsers drop it unless the host is localhost")

// warnPlain says once what otherwise costs a beginner an evening.
func (m *Middleware) warnPlain(v *Visit) {
	r := v.request
	if m.Insecure || r.TLS != nil || r.Header.Get("X-Forwarded-Proto") != "" || r.Header.Get("Forwarded") != "" {
		return
	}
	m.warnPlainHTTP.Do(func() {
		m.Engine.Log(v.session.Context(), "", store.WithAdvice(errPlainHTTP,
			"behind a TLS proxy all is well; for development over plain HTTP "+m.Rules.AdviceInsecure))
	})
}
