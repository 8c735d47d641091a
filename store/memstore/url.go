package memstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"

	"github.com/cloakroom/cloakroom/internal/storeurl"
	"github.com/cloakroom/cloakroom/store"
)

// Open opens a new, empty store. The URL is "memory:", and may set the
// options as query parameters, in bytes:
//
//	memory:?max_bytes=536870912&max_record=65536
func Open(_ context.Context, u *url.URL) (store.Store, error) {
	if err := storeurl.Check(u); err != nil {
		return nil, fmt.Errorf("memstore: open: %w", err)
	}
	if u.Host != "" || u.User != nil || u.Opaque != "" || u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return nil, errors.New(`memstore: open: the URL names a place; a store in memory is "memory:"`)
	}
	query, err := storeurl.Query(u)
	if err != nil {
		return nil, fmt.Errorf("memstore: open: %w", err)
	}
	if unknown := storeurl.Unknown(u, maps.Keys(query), []string{"max_bytes", "max_record"}); len(unknown) > 0 {
		return nil, fmt.Errorf("memstore: open: unknown parameter %s; known are max_bytes and max_record", unknown[0])
	}
	var o Options
	for name, values := range query {
		if len(values) != 1 {
			return nil, fmt.Errorf("memstore: open: parameter %q is given %d times", name, len(values))
		}
		n, err := strconv.ParseInt(values[0], 10, 64)
		switch {
		case err != nil || n <= 0 || name == "max_record" && int64(int(n)) != n:
			return nil, fmt.Errorf("memstore: open: %s must be a number of bytes above zero", name)
		case name == "max_bytes":
			o.MaxBytes = n
		default:
			o.MaxRecord = int(n)
		}
	}
	return New(o), nil
}

// Openers returns Open under each scheme that it knows: memory.
func Openers() store.Openers { return store.Openers{"memory": Open} }
