package memstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/cloakroom/cloakroom/store"
)

// Open opens a new, empty store. The URL is "memory:", and may set the
// options as query parameters, in bytes:
//
//	memory:?max_bytes=536870912&max_record=65536
func Open(_ context.Context, u *url.URL) (store.Store, error) {
	if u.Host != "" || u.User != nil || u.Opaque != "" || u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return nil, errors.New(`memstore: open: the URL names a place; a store in memory is "memory:"`)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("memstore: open: query: %w", err)
	}
	var o Options
	for name, values := range query {
		if len(values) != 1 {
			return nil, fmt.Errorf("memstore: open: parameter %q is given %d times", name, len(values))
		}
		n, err := strconv.ParseInt(values[0], 10, 64)
		switch {
		case name != "max_bytes" && name != "max_record":
			return nil, fmt.Errorf("memstore: open: unknown parameter %q; known are max_bytes and max_record", name)
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
