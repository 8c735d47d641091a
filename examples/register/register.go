// Package register is the tutorial application: a visitor registers a
// username, is greeted by it on the next page, and logs out again. Where sessions
// are kept in a store, the visitor sees on which devices this name is logged in, and
// ends those sessions.
//
//	GET  /                shows a stranger the way to the form, greets a registered visitor
//	GET  /add             shows the form
//	POST /add             takes the name
//	GET  /remove          asks whether to log out
//	POST /remove          logs out
//	GET  /devices         lists the sessions of the visitor's name
//	POST /devices/end     ends one of them
//	POST /devices/others  ends all but the visitor's own
//	GET  /live/{session}  tells a page that its session has ended
//
// The handlers in pages.go, devices.go and live.go are all that has to do with
// sessions; the other files are what any web page needs.
package register

import (
	"cmp"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store"
)

// DefaultIdle is how long a session lives after its last use where Config does
// not say. A minute is short enough to watch it end.
const DefaultIdle = time.Minute

// Remember is how long a session lives after the login of a visitor who asks to be
// remembered, unless Config says that all live longer.
const Remember = 30 * 24 * time.Hour

// maxDevices is how many sessions a name may have: the page lists them all.
const maxDevices = 20

// Config says how the application keeps its sessions. The zero value keeps
// nothing and is refused: it needs a Store or Keys.
type Config struct {
	// Store keeps the sessions. If it is nil they are kept in their cookies,
	// sealed with Keys.
	Store store.Store

	// Keys seal sessions in cookies or, if there is a Store, its records. The
	// first one seals, all of them open.
	Keys [][]byte

	// Idle is how long a session lives after its last use. Zero means
	// DefaultIdle.
	Idle time.Duration

	// Lifetime is the age at which a session ends, however much it is used.
	// Zero means cloakroom.DefaultLifetime.
	Lifetime time.Duration

	// Sessions, if set, makes the Manager in place of Store, Keys and Lifetime,
	// for sessions that are shared with Flask and configured as there. Idle only says how long they
	// live, then. Nobody is remembered or finds a list of devices. The options that it is
	// handed are the application's own: TouchInterval, ErrorHandler, Hooks and Logger.
	Sessions func(cloakroom.Options) (*cloakroom.Manager, error)

	// Keeps tells the visitor what the browser keeps. Empty means a ticket with
	// a Store or Sessions, and otherwise a sealed session.
	Keeps string

	// Place tells the visitor where the session is kept, as in "files on this
	// computer". Empty means "a store", or "the cookie" without Store.
	Place string

	// Logger gets one line for each session that begins or ends, and one for
	// each failure. Nil means slog.Default.
	Logger *slog.Logger
}

// App is the application, ready to be served at the root of a host.
type App struct {
	http.Handler

	// Close ends the streams, for http.Server.RegisterOnShutdown: a server that
	// shuts down would wait for them.
	Close func()
}

type app struct {
	sessions  *cloakroom.Manager
	flask     bool // there are no users, and sessions are configured elsewhere
	listed    bool // the sessions of a user can be listed and ended
	idle      time.Duration
	lifetime  time.Duration // zero if it is configured elsewhere
	remember  time.Duration
	keeps     string
	place     string
	log       *slog.Logger
	templates map[string]*template.Template
	assets    assets
	closing   chan struct{}
}

// New returns the application.
func New(cfg Config) (*App, error) {
	a := &app{
		closing: make(chan struct{}),

		flask:  cfg.Sessions != nil,
		listed: cfg.Sessions == nil && cfg.Store != nil,
		idle:   cfg.Idle, keeps: cfg.Keeps, place: cfg.Place, log: cfg.Logger,
	}
	if a.idle == 0 {
		a.idle = DefaultIdle
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.lifetime = cfg.Lifetime; a.lifetime == 0 {
		a.lifetime = cloakroom.DefaultLifetime
	}
	a.remember = max(Remember, a.idle, a.lifetime)
	if a.flask {
		a.lifetime = 0
	}
	a.describe(cfg.Store == nil && cfg.Sessions == nil)
	var err error
	if a.assets, err = newAssets(); err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	if a.templates, err = parseTemplates(a.assets); err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	if a.sessions, err = a.newSessions(cfg); err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	return &App{
		Handler: a.guard(a.sessions.Handler(a.routes())),
		Close:   sync.OnceFunc(func() { close(a.closing) }),
	}, nil
}

// describe fills in what the page says about where the session is.
func (a *app) describe(sealed bool) {
	keeps, place := "a ticket in a cookie: a random number that opens your session and says nothing", "a store"
	if sealed {
		keeps, place = "the session itself, sealed in a cookie that nobody else can read or change", "the cookie"
	}
	if a.keeps == "" {
		a.keeps = keeps
	}
	if a.place == "" {
		a.place = place
	}
}

// newSessions makes the Manager, as any application would in its main.
func (a *app) newSessions(cfg Config) (*cloakroom.Manager, error) {
	if cfg.Sessions != nil {
		return cfg.Sessions(cloakroom.Options{
			TouchInterval: min(time.Second, a.idle/60),
			ErrorHandler:  a.sessionFailed, Hooks: a.hooks(), Logger: a.log,
		})
	}
	idle := a.idle
	if lifetime := cmp.Or(cfg.Lifetime, cloakroom.DefaultLifetime); lifetime != cloakroom.NoLimit {
		idle = min(idle, lifetime) // New refuses a timeout that could not take effect
	}
	opts := cloakroom.Options{
		IdleTimeout: idle,
		Lifetime:    cfg.Lifetime,
		// Visitors who ask to be remembered get sessions that live longer.
		MaxIdleTimeout: a.remember,
		MaxLifetime:    a.remember,
		// The page shows the time left to the second, so an expiry may not lag
		// behind by the usual tenth of the idle timeout.
		TouchInterval: min(time.Second, idle/60),
		// The tutorial runs on http://localhost, without TLS. An application
		// on the internet leaves this out, and has the cookie __Host-session.
		Insecure: true,
		// Browsers share cookies between all ports of localhost: a name of its
		// own keeps this one apart from whatever else is being developed there.
		CookieName:   "cloakroom_demo",
		ErrorHandler: a.sessionFailed,
		Hooks:        a.hooks(),
		Logger:       a.log,
	}
	if cfg.Store == nil {
		return cloakroom.NewCookie(cfg.Keys, opts)
	}
	opts.RecordKeys = cfg.Keys
	opts.MaxPerUser = maxDevices
	return cloakroom.New(cfg.Store, opts)
}

func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /add", a.form)
	mux.HandleFunc("POST /add", a.add)
	mux.HandleFunc("GET /remove", a.askRemove)
	mux.HandleFunc("POST /remove", a.remove)
	if a.listed {
		mux.HandleFunc("GET /devices", a.devices)
		mux.HandleFunc("POST /devices/end", a.endDevice)
		mux.HandleFunc("POST /devices/others", a.endOthers)
		mux.Handle("GET /live/{session}", a.sessions.Passive(http.HandlerFunc(a.live)))
	}
	mux.Handle("GET "+a.assets.prefix, a.assets)
	mux.HandleFunc("GET /left/{sheet}", left)
	return a.unrouted(mux)
}
