package flask

import (
	"context"
	"fmt"

	"github.com/cloakroom/cloakroom/flask/cachelibstore"
	"github.com/cloakroom/cloakroom/store"
)

// OpenStore opens the store that cfg names, in Flask-Session's layout: the same
// keys, tables, columns and documents. For Flask's own session and the null
// session, which need no store, it returns nil. The caller closes the store.
//
// Files need no opener. A server is opened by that of the scheme of its URL,
// which may also be redis-py's unix:// or in SQLAlchemy's spelling, as
// postgresql+psycopg2://. The program hands in those that it wants to know:
//
//	redisstore.Openers().With(sqlstore.Openers())
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
	switch {
	case c.Type == TypeCookie, c.Type == TypeNull:
		return nil, nil
	case c.Type == TypeFileSystem:
		return openFiles(c.FileDir, cachelibstore.Options{Threshold: c.threshold(), Mode: c.FileMode})
	case c.Type == TypeCacheLib && c.CacheLib == "":
		return openFiles("flask_session", cachelibstore.Options{}) // as FileSystemCache(cache_dir="flask_session")
	}
	address, err := c.storeURL()
	if err != nil {
		return nil, err
	}
	return cachelibstore.Openers().With(openers).Open(ctx, address)
}

// threshold is SESSION_FILE_THRESHOLD as cachelibstore takes it.
func (c *Config) threshold() int {
	if c.FileThreshold == 0 {
		return -1 // no limit, in Flask's words
	}
	return c.FileThreshold
}

func openFiles(dir string, opts cachelibstore.Options) (store.Store, error) {
	s, err := cachelibstore.New(dir, opts)
	if err != nil {
		return nil, err // not s, which would be a non-nil interface
	}
	return s, nil
}
