package store

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/cloakroom/cloakroom/internal/storeurl"
)

// An Opener opens the store that a URL describes. Query parameters are the
// store's options; an unknown one is an error that names it.
type Opener func(ctx context.Context, u *url.URL) (Store, error)

// Openers maps URL schemes to the functions that open them. The package of each
// store has a function of this name that returns its own, so that a program lists the
// stores that it wants to offer:
//
//	openers := filestore.Openers().With(redisstore.Openers(), sqlstore.Openers())
//	s, err := openers.Open(ctx, "file:/var/lib/app/sessions")
type Openers map[string]Opener

// With returns o and the others together, as a new map. The last one that knows a
// scheme opens it.
func (o Openers) With(others ...Openers) Openers {
	all := maps.Clone(o)
	if all == nil {
		all = Openers{}
	}
	for _, other := range others {
		maps.Copy(all, other)
	}
	return all
}

// Open opens the store that rawURL describes. Its errors never show the URL,
// which may hold a password, nor any part of one: where an opener's error does, it
// is replaced by one that matches the same errors with [errors.Is].
func (o Openers) Open(ctx context.Context, rawURL string) (Store, error) {
	u, err := storeurl.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	open := o[u.Scheme]
	if open == nil {
		return nil, fmt.Errorf("store: open: no store for %s; known are %s",
			shownScheme(u.Scheme, rawURL), strings.Join(slices.Sorted(maps.Keys(o)), ", "))
	}
	op := "store: open " + u.Scheme
	if u.User == nil {
		if err := storeurl.Misplaced(u); err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
	}
	s, err := open(ctx, u)
	if err != nil {
		return nil, storeurl.Guard(op, u, fmt.Errorf("%s: %w", op, err))
	}
	return s, nil
}

// shownScheme names a scheme that is not known, if it is one: what is no URL at
// all, as user:password@tcp(host)/database, has something else there.
func shownScheme(scheme, rawURL string) string {
	if rest := rawURL[min(len(scheme), len(rawURL)):]; rest == ":" || scheme == "" || strings.HasPrefix(rest, "://") {
		return fmt.Sprintf("scheme %q", scheme)
	}
	return "what precedes the first colon"
}
