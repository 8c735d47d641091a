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

	"github.com/cloakroom/cloakroom/store"
)

// Open opens the store that a URL describes:
// "cachelib:/srv/app/flask_session", or "cachelib:flask_session" below the
// working directory. The query may set the [Options] threshold, drop_live
// (true or false), mode (octal, as 0660) and unsynced (true or false).
func Open(ctx context.Context, u *url.URL) (store.Store, error) {
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
	s, err := open(ctx, dir, opts, time.Now)
	if err != nil {
		return nil, err // not s, which would be a non-nil interface
	}
	return s, nil
}

func urlDir(u *url.URL) (string, error) {
	switch {
	case u.Host != "" || u.User != nil:
		return "", errors.New("the URL names a host; write cachelib:/dir, or cachelib:dir for a relative one")
	case u.Fragment != "":
		return "", errors.New("the URL has a fragment; write %23 for a # in the directory's name")
	case u.Opaque != "":
		return url.PathUnescape(u.Opaque)
	case u.Path != "":
		return u.Path, nil
	}
	return "", errors.New("the URL names no directory")
}

func urlOptions(u *url.URL) (opts Options, err error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return opts, fmt.Errorf("query: %w", err)
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
	default:
		err = errors.New("unknown; known are drop_live, mode, threshold, unsynced")
	}
	return err
}
