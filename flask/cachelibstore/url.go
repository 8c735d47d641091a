package cachelibstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/internal/storeurl"
	"github.com/cloakroom/cloakroom/store"
)

// Open opens the store that a URL describes:
// "cachelib:/srv/app/flask_session", or "cachelib:flask_session" below the
// working directory. The query may set the [Options] threshold, drop_live
// (true or false), mode (octal, as 0660) and unsynced (true or false).
func Open(ctx context.Context, u *url.URL) (store.Store, error) {
	s, err := fromURL(ctx, u)
	if err != nil {
		return nil, storeurl.Guard("cachelibstore: open", u, err)
	}
	return s, nil
}

// Openers returns Open under each scheme that it knows: cachelib.
func Openers() store.Openers { return store.Openers{"cachelib": Open} }

func fromURL(ctx context.Context, u *url.URL) (*Store, error) {
	if err := alive(ctx, "open"); err != nil {
		return nil, err
	}
	dir, err := urlDir(u)
	if err != nil {
		return nil, fmt.Errorf("cachelibstore: open: %w", err)
	}
	opts, err := urlOptions(u)
	if err != nil {
		return nil, fmt.Errorf("cachelibstore: open: %w", err)
	}
	return open(ctx, dir, opts, time.Now)
}

func urlDir(u *url.URL) (string, error) {
	if err := storeurl.Check(u); err != nil {
		return "", err
	}
	switch {
	case u.Host != "" || u.User != nil:
		return "", errors.New("the URL names a host; write cachelib:/dir, or cachelib:dir for a relative one")
	case u.Opaque != "":
		return storeurl.Path(u)
	case u.Path != "":
		return u.Path, nil
	}
	return "", errors.New("the URL names no directory")
}

func urlOptions(u *url.URL) (opts Options, err error) {
	query, err := storeurl.Query(u)
	if err != nil {
		return opts, err
	}
	known := []string{"drop_live", "mode", "threshold", "unsynced"}
	if unknown := storeurl.Unknown(u, maps.Keys(query), known); len(unknown) > 0 {
		return opts, fmt.Errorf("query parameter %s: unknown; known are %s", strings.Join(unknown, ", "), strings.Join(known, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if err := opts.set(name, query[name][len(query[name])-1]); err != nil {
			return opts, fmt.Errorf("query parameter %s: %w", strconv.Quote(name), err)
		}
	}
	return opts, nil
}

// set sets one option from the query of a URL.
func (o *Options) set(name, value string) (err error) {
	switch name {
	case "threshold":
		o.Threshold, err = strconv.Atoi(value)
	case "drop_live":
		o.DropLive, err = strconv.ParseBool(value)
	case "mode":
		var mode uint64
		mode, err = strconv.ParseUint(strings.TrimPrefix(value, "0o"), 8, 12)
		o.Mode = fs.FileMode(mode)
	case "unsynced":
		o.Unsynced, err = strconv.ParseBool(value)
	}
	return err
}
