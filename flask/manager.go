package flask

import (
	"fmt"
	"reflect"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/rules"
	"github.com/cloakroom/cloakroom/store"
)

// New returns a Manager whose sessions are those of a Flask application with
// the configuration cfg: the same cookie, and the same records in s. OpenStore
// opens the store that cfg names; s is nil for Flask's own session, which is
// in the cookie, and for the null session.
//
// What cfg says is not for opts to say again: of opts only TouchInterval,
// MaxSize, StoreTimeout, WatchInterval, ErrorHandler, Hooks and Logger may be set. A
// TouchInterval of zero means one minute, or a tenth of
// PERMANENT_SESSION_LIFETIME if that is less.
func New(s store.Store, cfg Config, opts cloakroom.Options) (*cloakroom.Manager, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("flask: New: %w", err)
	}
	if err := checkOptions(opts); err != nil {
		return nil, fmt.Errorf("flask: New: %w", err)
	}
	if err := checkStore(s, &cfg); err != nil {
		return nil, fmt.Errorf("flask: New: %w", err)
	}
	if opts.MaxSize == 0 {
		opts.MaxSize = cloakroom.DefaultMaxSize
	}
	r, err := cfg.rules(opts.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("flask: New: %w", err)
	}
	rules.Apply(&opts, r)
	opts.Codec = cfg.RecordCodec()
	opts.Permanent = cfg.Permanent && r.IDs != nil
	opts.CookieName = cfg.CookieName
	opts.Insecure = !cfg.secure()
	opts.KeyPrefix, opts.PlainIDs = cfg.KeyPrefix, true
	// Whole seconds, as Flask-Session tells them its backends.
	opts.IdleTimeout, opts.Lifetime = cfg.Lifetime.Truncate(time.Second), cloakroom.NoLimit
	if opts.TouchInterval == 0 {
		opts.TouchInterval = min(time.Minute, opts.IdleTimeout/10)
	}
	return cloakroom.New(s, opts)
}

// checkOptions refuses what the configuration decides.
func checkOptions(opts cloakroom.Options) error {
	given := reflect.ValueOf(opts)
	for name, key := range decided {
		if !given.FieldByName(name).IsZero() {
			return fmt.Errorf("the field Options.%s is set: in Flask mode that is decided by %s", name, key)
		}
	}
	return nil
}

// decided are the fields of Options that a Config decides, and by which key.
var decided = map[string]string{
	"IdleTimeout":       "PERMANENT_SESSION_LIFETIME",
	"Lifetime":          "PERMANENT_SESSION_LIFETIME",
	"MaxIdleTimeout":    "PERMANENT_SESSION_LIFETIME",
	"MaxLifetime":       "PERMANENT_SESSION_LIFETIME",
	"AnonymousIdle":     "PERMANENT_SESSION_LIFETIME",
	"Revocations":       "Flask, whose sessions tell nobody whose they are",
	"RenewEvery":        "Flask, whose sessions keep their IDs",
	"MaxPerUser":        "Flask, whose sessions tell nobody whose they are",
	"RefuseOverMax":     "Flask, whose sessions tell nobody whose they are",
	"Describe":          "Flask, whose sessions tell nobody whose they are",
	"Permanent":         "SESSION_PERMANENT",
	"CookieName":        "SESSION_COOKIE_NAME",
	"Domain":            "SESSION_COOKIE_DOMAIN",
	"Path":              "SESSION_COOKIE_PATH",
	"SameSite":          "SESSION_COOKIE_SAMESITE",
	"Partitioned":       "SESSION_COOKIE_PARTITIONED",
	"Insecure":          "SESSION_COOKIE_SECURE",
	"ScriptAccess":      "SESSION_COOKIE_HTTPONLY",
	"Transport":         "Flask, whose tickets travel in cookies alone",
	"KeyPrefix":         "SESSION_KEY_PREFIX",
	"PlainIDs":          "Flask-Session, whose records are named by the ID itself",
	"RecordKeys":        "Flask-Session, which cannot read sealed records",
	"ReadUnsealedUntil": "Flask-Session, which seals no records",
	"Codec":             "SESSION_SERIALIZATION_FORMAT",
}

func checkStore(s store.Store, cfg *Config) error {
	stored := cfg.Type != TypeCookie && cfg.Type != TypeNull
	switch {
	case stored && s == nil:
		return fmt.Errorf("the store is nil, and SESSION_TYPE is %s: open one with OpenStore", cfg.Type)
	case !stored && s != nil:
		return fmt.Errorf("there is a store, and SESSION_TYPE is %s", cfg.Type.shown())
	}
	return nil
}
