package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func brokenKeys() []broken {
	strip := func(chars string) func(*twist) {
		return renames(func(key string) string {
			return "k" + strings.Map(func(r rune) rune {
				if strings.ContainsRune(chars, r) {
					return '_'
				}
				return r
			}, key)
		})
	}
	return []broken{
		{"ignores case", renames(strings.ToLower), []string{"Key/every printable byte", "Key/case"}},
		{"drops dots at the end", renames(func(key string) string { return "k" + strings.TrimRight(key, ".") }),
			[]string{"Key/trailing characters"}},
		{"cleans paths", renames(func(key string) string { return "k" + path.Clean(key) }), []string{"Key/paths", "Key/longest"}},
		{"unescapes", renames(func(key string) string {
			if to, err := url.PathUnescape(key); err == nil && store.CheckKey(to) == nil {
				return to
			}
			return key
		}), []string{"Key/escapes"}},
		{"replaces odd characters", strip("*?%'\"$<>|"), []string{"Key/every printable byte", "Key/wildcards and quotes"}},
		{"replaces slashes", strip(`/\:`), []string{"Key/paths", "Key/bare names", "Key/every printable byte"}},
		{"knows devices", renames(func(key string) string {
			if strings.EqualFold(key, "con") || strings.EqualFold(key, "nul.txt") {
				return "device"
			}
			return key
		}), []string{"Key/bare names"}},
		{"cuts keys off", renames(func(key string) string { return key[:min(len(key), 200)] }), []string{"Key/longest"}},
		{"finds keys by their beginning", renames(func(key string) string {
			return key[:min(len(key), len("storetest:")+14)]
		}), []string{"Key/one is the beginning of another", "Delete/leaves other records alone"}},
		{"takes any key", func(s *twist) {
			s.load = func(ctx context.Context, key string) (store.Record, error) {
				return s.plain.Load(ctx, "k"+fmt.Sprintf("%x", digest(record(key, time.Time{}))))
			}
		}, []string{"Key/refused", "Key/refused before anything else"}},
		{"looks at the context first", func(s *twist) {
			s.del = func(ctx context.Context, key string) error {
				if err := ctx.Err(); err != nil {
					return err
				}
				return s.plain.Delete(ctx, key)
			}
		}, []string{"Key/refused before anything else"}},
	}
}

func brokenContext() []broken {
	var all []string
	for _, m := range []string{"Load", "Save", "Save that creates", "Save that deletes", "Touch", "Delete"} {
		all = append(all, "Context/"+m+" cancelled", "Context/"+m+" too late", "Context/"+m+" cancelled for a reason")
	}
	return []broken{
		{"ignores the context", func(s *twist) {
			s.load = func(_ context.Context, key string) (store.Record, error) {
				return s.plain.Load(context.Background(), key)
			}
			s.save = func(_ context.Context, key string, prev, next store.Record) (store.Record, error) {
				return s.plain.Save(context.Background(), key, prev, next)
			}
			s.touch = func(_ context.Context, key string, prev store.Record, expires time.Time) error {
				return s.plain.Touch(context.Background(), key, prev, expires)
			}
			s.del = func(_ context.Context, key string) error { return s.plain.Delete(context.Background(), key) }
		}, all},
		{"changes something in spite of the context", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				if store.CheckKey(key) == nil {
					_, _ = s.plain.Save(context.Background(), key, prev, next)
				}
				return s.plain.Save(ctx, key, prev, next)
			}
			s.del = func(ctx context.Context, key string) error {
				_ = s.plain.Delete(context.Background(), key)
				return s.plain.Delete(ctx, key)
			}
			s.touch = func(ctx context.Context, key string, prev store.Record, expires time.Time) error {
				_ = s.plain.Touch(context.Background(), key, prev, expires)
				return s.plain.Touch(ctx, key, prev, expires)
			}
		}, slices.DeleteFunc(slices.Clone(all), func(name string) bool { return strings.HasPrefix(name, "Context/Load") })},
		{"hides why", func(s *twist) {
			s.load = func(ctx context.Context, key string) (store.Record, error) {
				r, err := s.plain.Load(ctx, key)
				if ctx.Err() != nil {
					err = errors.New("no connection")
				}
				return r, err
			}
		}, []string{"Context/Load cancelled", "Context/Load too late"}},
		{"says that it was cancelled, not why", func(s *twist) {
			s.load = func(ctx context.Context, key string) (store.Record, error) {
				r, err := s.plain.Load(ctx, key)
				if ctx.Err() != nil {
					err = ctx.Err()
				}
				return r, err
			}
		}, []string{"Context/Load cancelled for a reason"}},
	}
}
