package filestore

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// Open opens the store that a URL describes: "file:/var/lib/app/sessions", or
// "file:data/sessions" below the working directory. The query may set the
// [Options] unsynced (true or false), sweep_interval (a duration such as 10m,
// negative for none) and cache (in bytes, negative for none).
func Open(ctx context.Context, u *url.URL) (store.Store, error) {
	if err := alive(ctx, "open"); err != nil {
		return nil, err
	}
	dir, err := urlDir(u)
	if err != nil {
		return nil, fmt.Errorf("filestore: open: %w", err)
	}
	opts, err := urlOptions(u)
	if err != nil {
		return nil, fmt.Errorf("filestore: open: %w", err)
	}
	s, err := New(dir, opts)
	if err != nil {
		return nil, err // not s, which would be a non-nil interface
	}
	return s, nil
}

func urlDir(u *url.URL) (string, error) {
	switch {
	case u.Host != "" || u.User != nil:
		return "", fmt.Errorf("the URL names a host; write file:/dir, or file:dir for a relative one")
	case u.Fragment != "":
		return "", fmt.Errorf("the URL has a fragment; write %%23 for a # in the directory's name")
	case u.Opaque != "":
		return url.PathUnescape(u.Opaque)
	case u.Path != "":
		return u.Path, nil
	}
	return "", fmt.Errorf("the URL names no directory")
}

func urlOptions(u *url.URL) (opts Options, err error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return opts, fmt.Errorf("query: %w", err)
	}
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		value := query[name][len(query[name])-1]
		var err error
		switch name {
		case "unsynced":
			opts.Unsynced, err = strconv.ParseBool(value)
		case "cache":
			opts.Cache, err = strconv.Atoi(value)
		case "sweep_interval":
			opts.SweepInterval, err = time.ParseDuration(value)
		default:
			unknown = append(unknown, strconv.Quote(name))
		}
		if err != nil {
			return opts, fmt.Errorf("query parameter %s: %w", name, err)
		}
	}
	if len(unknown) > 0 {
		return opts, fmt.Errorf("unknown query parameter %s; known are cache, sweep_interval, unsynced",
			strings.Join(unknown, ", "))
	}
	return opts, nil
}
