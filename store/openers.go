package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// An Opener opens the store that a URL describes. Query parameters are the
// store's options; an unknown one is an error that names it.
type Opener func(ctx context.Context, u *url.URL) (Store, error)

// Openers maps URL schemes to the functions that open them. A program lists
// the stores that it wants to offer:
//
//	openers := store.Openers{"memory": memstore.Open, "file": filestore.Open}
//	s, err := openers.Open(ctx, "file:/var/lib/app/sessions")
type Openers map[string]Opener

// Open opens the store that rawURL describes. Its errors never show the
// URL's password.
func (o Openers) Open(ctx context.Context, rawURL string) (Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		// url.Error quotes the URL, and with it a password.
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, fmt.Errorf("store: open: not a valid URL: %w", err)
	}
	open := o[u.Scheme]
	if open == nil {
		return nil, fmt.Errorf("store: open: no store for scheme %q; known are %s",
			u.Scheme, strings.Join(slices.Sorted(maps.Keys(o)), ", "))
	}
	s, err := open(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", u.Redacted(), err)
	}
	return s, nil
}
