package storetest

import (
	"context"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// walks replaces List by one that filters what is yielded.
func walks(keep func(s *twist, prefix string, e *store.Entry) bool) func(*twist) {
	return func(s *twist) {
		s.list = func(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
			return func(yield func(store.Entry, error) bool) {
				for e, err := range s.plain.List(ctx, "") {
					if (err != nil || keep(s, prefix, &e)) && !yield(e, err) {
						return
					}
				}
			}
		}
	}
}

func brokenList() []broken {
	return []broken{
		{"lists without tokens", walks(func(_ *twist, prefix string, e *store.Entry) bool {
			e.Record.Token = 0
			return strings.HasPrefix(e.Key, prefix)
		}), []string{"List/every live record", "List/changing on the way"}},
		{"lists without expiries", walks(func(_ *twist, prefix string, e *store.Entry) bool {
			e.Record.Expires = time.Time{}
			return strings.HasPrefix(e.Key, prefix)
		}), []string{"List/every live record"}},
		{"lists nothing without a prefix", walks(func(_ *twist, prefix string, e *store.Entry) bool {
			return prefix != "" && strings.HasPrefix(e.Key, prefix)
		}), []string{"List/every live record"}},
		{"ignores the prefix", walks(func(_ *twist, _ string, _ *store.Entry) bool { return true }),
			[]string{"List/prefix", "List/nothing"}},
		{"takes the prefix for a pattern", walks(func(_ *twist, prefix string, e *store.Entry) bool {
			ok, _ := path.Match(prefix+"*", e.Key)
			return ok || prefix == ""
		}), []string{"List/prefix is taken literally"}},
		{"lists what has expired", func(s *twist) {
			s.list = func(context.Context, string) iter.Seq2[store.Entry, error] {
				return func(yield func(store.Entry, error) bool) {
					for key, r := range s.records {
						if !yield(store.Entry{Key: key, Record: r}, nil) {
							return
						}
					}
				}
			}
		}, []string{"List/expired records are not listed"}},
		{"fails on nothing", func(s *twist) {
			s.list = func(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
				return func(yield func(store.Entry, error) bool) {
					n := 0
					for e, err := range s.plain.List(ctx, prefix) {
						if n++; !yield(e, err) {
							return
						}
					}
					if n == 0 {
						yield(store.Entry{}, store.ErrNotFound)
					}
				}
			}
		}, []string{"List/nothing"}},
		{"lists by position", func(s *twist) {
			s.list = func(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
				return func(yield func(store.Entry, error) bool) {
					for i := 0; ; i++ {
						var all []store.Entry
						for e := range s.plain.List(ctx, prefix) {
							all = append(all, e)
						}
						slices.SortFunc(all, func(a, b store.Entry) int { return strings.Compare(a.Key, b.Key) })
						if i >= len(all) || !yield(all[i], nil) {
							return
						}
						pause()
					}
				}
			}
			s.del = func(ctx context.Context, key string) error {
				pause()
				return s.plain.Delete(ctx, key)
			}
		}, []string{"List/deleting on the way", "List/others change records meanwhile", "List/cancelled before"}},
		{"is stuck after a walk that was stopped", func(s *twist) {
			s.list = func(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
				return func(yield func(store.Entry, error) bool) {
					for e, err := range s.plain.List(ctx, prefix) {
						if !yield(e, err) {
							s.closed = true
							return
						}
					}
				}
			}
			s.close = func() error { return nil }
		}, []string{"List/stopped early"}},
		{"walks on whatever the context says", func(s *twist) {
			s.list = func(_ context.Context, prefix string) iter.Seq2[store.Entry, error] {
				return s.plain.List(context.Background(), prefix)
			}
		}, []string{"List/cancelled before", "List/cancelled on the way"}},
		{"goes on after an error", func(s *twist) {
			s.list = func(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
				return func(yield func(store.Entry, error) bool) {
					for e := range s.plain.List(context.Background(), prefix) {
						if !yield(e, ctx.Err()) {
							return
						}
					}
				}
			}
		}, []string{"List/cancelled before", "List/cancelled on the way"}},
	}
}
