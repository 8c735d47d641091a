package flask

import (
	"context"
	"fmt"

	"github.com/cloakroom/cloakroom/flask/cachelibstore"
	"github.com/cloakroom/cloakroom/store"
)

// OpenStore opens the store that cfg names, in Flask-Session's layout. Files
// need no opener; everything else is opened by that of the URL's scheme. For
// Flask's own session and the null session, which need no store, it returns
// nil.
func OpenStore(ctx context.Context, cfg Config, openers store.Openers) (store.Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("flask: OpenStore: %w", err)
	}
	s, err := cfg.openStore(ctx, openers)
	if err != nil {
		return nil, fmt.Errorf("flask: OpenStore: SESSION_TYPE %s: %w", cfg.Type, err)
	}
	return s, nil
}

func (c *Config) openStore(ctx context.Context, openers store.Openers) (store.Store, error) {
	switch c.Type {
	case TypeCookie, TypeNull:
		return nil, nil
	case TypeFileSystem:
		return c.openFiles()
	case TypeCacheLib:
		return c.openCacheLib(ctx, openers)
	default:
		return nil, fmt.Errorf("not yet: this version knows Flask's own cookie, null, filesystem and cachelib (%w)", store.ErrUnsupported)
	}
}

func (c *Config) openFiles() (store.Store, error) {
	threshold := c.FileThreshold
	if threshold == 0 {
		threshold = -1 // no limit, in Flask's words
	}
	s, err := cachelibstore.New(c.FileDir, cachelibstore.Options{Threshold: threshold, Mode: c.FileMode})
	if err != nil {
		return nil, err // not s, which would be a non-nil interface
	}
	return s, nil
}

func (c *Config) openCacheLib(ctx context.Context, openers store.Openers) (store.Store, error) {
	if c.CacheLib == "" {
		return cachelibDefault()
	}
	all := store.Openers{"cachelib": cachelibstore.Open}
	for scheme, open := range openers {
		all[scheme] = open
	}
	return all.Open(ctx, string(c.CacheLib))
}

// cachelibDefault is Flask-Session's: FileSystemCache(cache_dir="flask_session").
func cachelibDefault() (store.Store, error) {
	s, err := cachelibstore.New("flask_session", cachelibstore.Options{})
	if err != nil {
		return nil, err
	}
	return s, nil
}
