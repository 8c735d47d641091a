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

// Open opens the store that rawURL describes. Its errors never show the URL,
// which may hold a password.
func (o Openers) Open(ctx context.Context, rawURL string) (Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		// Nor does it show url.Parse's reason: a password with a slash in it,
		// for one, is quoted there as an invalid port.
		return nil, WithAdvice(errors.New("store: open: not a valid URL"), adviseEscape)
	}
	open := o[u.Scheme]
	if open == nil {
		return nil, fmt.Errorf("store: open: no store for scheme %q; known are %s",
			u.Scheme, strings.Join(slices.Sorted(maps.Keys(o)), ", "))
	}
	s, err := open(ctx, u)
	if err != nil && passwordBehindHost(u) {
		// The store's own error may quote what it takes for a database.
		return nil, WithAdvice(fmt.Errorf("store: open %s: not a valid URL: there is an @ behind the host", u.Scheme), adviseEscape)
	}
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", u.Scheme, err)
	}
	return s, nil
}

const adviseEscape = "Write special characters of a user name or password as %XX, as in %2F for a slash."

// passwordBehindHost reports whether the URL looks as if a slash, a question
// mark or a # in a password had ended the host: the @ comes later.
func passwordBehindHost(u *url.URL) bool {
	name, _, _ := strings.Cut(u.RawQuery, "=") // a value may well have an @
	return u.Host != "" && u.User == nil && strings.Contains(u.Path+name+u.Fragment, "@")
}
