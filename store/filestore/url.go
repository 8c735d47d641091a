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

	"github.com/cloakroom/cloakroom/internal/storeurl"
	"github.com/cloakroom/cloakroom/store"
)

// Open opens the store that a URL describes: "file:/var/lib/app/sessions", or
// "file:data/sessions" below the working directory. The query may set the
// [Options] unsynced (true or false), sweep_interval (a duration such as 10m,
// negative for none) and cache (in bytes, negative for none).
func Open(ctx context.Context, u *url.URL) (store.Store, error) {
	s, err := fromURL(ctx, u)
	if err != nil {
		return nil, storeurl.Guard("filestore: open", u, err)
	}
	return s, nil
}

// Openers returns Open under each scheme that it knows: file.
func Openers() store.Openers { return store.Openers{"file": Open} }

func fromURL(ctx context.Context, u *url.URL) (*Store, error) {
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
	return New(dir, opts)
}

func urlDir(u *url.URL) (string, error) {
	if err := storeurl.Check(u); err != nil {
		return "", err
	}
	switch {
	case u.Host != "" || u.User != nil:
		return "", fmt.Errorf("the URL names a host; write file:/dir, or file:dir for a relative one")
	case u.Opaque != "":
		return storeurl.Path(u)
	case u.Path != "":
		return u.Path, nil
	}
	return "", fmt.Errorf("the URL names no directory")
}

func urlOptions(u *url.URL) (opts Options, err error) {
	query, err := storeurl.Query(u)
	if err != nil {
		return opts, err
	}
	known := []string{"cache", "sweep_interval", "unsynced"}
	if unknown := storeurl.Unknown(u, maps.Keys(query), known); len(unknown) > 0 {
		return opts, fmt.Errorf("unknown query parameter %s; known are %s", strings.Join(unknown, ", "), strings.Join(known, ", "))
	}
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
		}
		if err != nil {
			return opts, fmt.Errorf("query parameter %s: %w", name, err)
		}
	}
	return opts, nil
}
