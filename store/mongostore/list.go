package mongostore

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/cloakroom/cloakroom/store"
)

// pageSize is how many documents a walk asks for at once, of which the server
// sends no more than 16 MiB at a time.
const pageSize = 100

// List implements [store.Lister]. It walks in the order of _id, page by page,
// so that it may take as long as it likes: no cursor on the server times out.
// Documents that are none of this store's are passed over.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	const op = "list"
	return func(yield func(store.Entry, error) bool) {
		if err := s.begin(ctx, op); err != nil {
			yield(store.Entry{}, err)
			return
		}
		if !utf8.ValidString(prefix) {
			return // no key has it, and the server would refuse it
		}
		w := walk{s: s, prefix: prefix}
		for {
			n, err := w.page(ctx, yield)
			if errors.Is(err, errStopped) {
				return
			}
			if hasCode(err, codeCursorNotFound) && n > 0 {
				continue // the caller took long over large records
			}
			if err != nil {
				yield(store.Entry{}, s.fail(ctx, op, err))
				return
			}
			if n < pageSize {
				return
			}
			if err := s.begin(ctx, op); err != nil {
				yield(store.Entry{}, err)
				return
			}
		}
	}
}

// errStopped says that the caller wants no more.
var errStopped = errors.New("stopped")

// A walk is how far a List has come.
type walk struct {
	s      *Store
	prefix string
	last   bson.RawValue // the _id of the last document seen
}

// page yields the next documents and returns how many it saw.
func (w *walk) page(ctx context.Context, yield func(store.Entry, error) bool) (n int, err error) {
	cursor, err := w.s.coll.Find(ctx, w.filter(), options.Find().
		SetSort(bson.D{{Key: fieldID, Value: 1}}).SetLimit(pageSize).SetBatchSize(pageSize))
	if err != nil {
		return 0, err
	}
	defer cursor.Close(context.WithoutCancel(ctx))
	for ; cursor.Next(ctx); n++ {
		w.last = bson.RawValue{Type: cursor.Current.Lookup(fieldID).Type, Value: bytes.Clone(cursor.Current.Lookup(fieldID).Value)}
		e, err := w.s.layout.entry(cursor.Current)
		if err != nil || store.CheckKey(e.Key) != nil || !strings.HasPrefix(e.Key, w.prefix) || !e.Record.Live(time.Now()) {
			continue
		}
		e.Record.Data = append([]byte{}, e.Record.Data...) // not the whole page
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		if !yield(e, nil) {
			return n, errStopped
		}
	}
	return n, cursor.Err()
}

// filter matches the documents that are still to come.
func (w *walk) filter() bson.D {
	// Keys are printable ASCII, so that DEL comes after all of their bytes.
	key := bson.D{{Key: "$gte", Value: w.prefix}, {Key: "$lt", Value: w.prefix + "\x7f"}}
	f := bson.D{{Key: w.s.layout.key, Value: key}, live(time.Now())}
	if w.last.IsZero() {
		return f
	}
	after := bson.D{{Key: "$gt", Value: w.last}}
	if w.s.layout.key == fieldID {
		f[0].Value = append(key, after...)
		return f
	}
	return append(f, bson.E{Key: fieldID, Value: after})
}

// DeleteExpired implements [store.Cleaner]. A server with the index of
// [Store.EnsureIndexes] removes expired documents by itself, within a minute
// or so; this is for others. Without an index on the expiry it reads the whole
// collection.
func (s *Store) DeleteExpired(ctx context.Context, limit int) (int, error) {
	const op = "delete expired"
	if err := s.begin(ctx, op); err != nil {
		return 0, err
	}
	removed := 0
	for removed < limit {
		now := time.Now()
		ids, err := s.expiredIDs(ctx, now, min(limit-removed, 1000))
		if err != nil {
			return removed, s.fail(ctx, op, err)
		}
		if len(ids) == 0 {
			break
		}
		// Others may also be cleaning, so that fewer than len(ids) does not
		// mean that none is left.
		n, err := s.removeExpired(ctx, now, ids)
		if err != nil {
			return removed, s.fail(ctx, op, err)
		}
		removed += n
	}
	return removed, nil
}

// removeExpired deletes documents by their _id, but for those that have been
// saved anew.
func (s *Store) removeExpired(ctx context.Context, now time.Time, ids bson.A) (int, error) {
	res, err := s.coll.DeleteMany(ctx, bson.D{{Key: fieldID, Value: bson.D{{Key: "$in", Value: ids}}}, expired(now)})
	if err != nil {
		return 0, err
	}
	return int(res.DeletedCount), nil
}

// expiredIDs returns the _id of some expired documents.
func (s *Store) expiredIDs(ctx context.Context, now time.Time, limit int) (bson.A, error) {
	cursor, err := s.coll.Find(ctx, bson.D{expired(now)}, options.Find().
		SetProjection(bson.D{{Key: fieldID, Value: 1}}).SetLimit(int64(limit)))
	if err != nil {
		return nil, err
	}
	defer cursor.Close(context.WithoutCancel(ctx))
	var ids bson.A
	for cursor.Next(ctx) {
		id := cursor.Current.Lookup(fieldID)
		ids = append(ids, bson.RawValue{Type: id.Type, Value: bytes.Clone(id.Value)})
	}
	return ids, cursor.Err()
}
