package mongostore

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/cloakroom/cloakroom/store"
)

// The fields of a document. Native documents have the key in _id and a
// version; Flask-Session's have the key in a field of its own, an _id that
// means nothing, and no version.
const (
	fieldID      = "_id"
	fieldKey     = "id"
	fieldData    = "val"
	fieldExpires = "expiration"
	fieldVersion = "version"
)

// never is the expiry of records that do not expire. A date, unlike a null or
// a missing field, is later than all others for $max and for the Python code,
// too.
var never = time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)

// A layout is the shape of the documents.
type layout struct {
	key       string // the field with the key
	uniqueKey bool   // the server lets no two documents have the same key
	versioned bool
	max       int // the largest record, in bytes
}

func layoutOf(flask bool) layout {
	if flask {
		return layout{key: fieldKey, max: MaxFlaskSize}
	}
	return layout{key: fieldID, uniqueKey: true, versioned: true, max: MaxSize}
}

func (l layout) byKey(key string) bson.D { return bson.D{{Key: l.key, Value: key}} }

// isPrev matches the document of key if it is still prev and live.
func (l layout) isPrev(key string, prev store.Record, now time.Time) bson.D {
	same := bson.E{Key: fieldData, Value: binary(prev.Data)}
	if l.versioned {
		same = bson.E{Key: fieldVersion, Value: int64(prev.Token)}
	}
	return bson.D{{Key: l.key, Value: key}, same, live(now)}
}

// isExpired matches the document of key if it has expired.
func (l layout) isExpired(key string, now time.Time) bson.D {
	return bson.D{{Key: l.key, Value: key}, expired(now)}
}

// The conditions on the expiry take no part of a second for a whole one: dates
// have milliseconds, and now is rounded down. A null or missing expiry, as
// Flask-Session 0.3 writes it for sessions that are not permanent, is later
// than any other.
func live(now time.Time) bson.E {
	return bson.E{Key: fieldExpires, Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$lte", Value: bson.NewDateTimeFromTime(now)}}}}}
}

func expired(now time.Time) bson.E {
	return bson.E{Key: fieldExpires, Value: bson.D{{Key: "$lte", Value: bson.NewDateTimeFromTime(now)}}}
}

// fields are what a save sets in a document, and the record as it then is.
func (l layout) fields(next store.Record) (bson.D, store.Record) {
	d := bson.D{{Key: fieldData, Value: binary(next.Data)}, {Key: fieldExpires, Value: toDate(next.Expires)}}
	stored := store.Record{Data: next.Data, Expires: fromDate(toDate(next.Expires))}
	if l.versioned {
		stored.Token = newToken()
		d = append(d, bson.E{Key: fieldVersion, Value: int64(stored.Token)})
	}
	return d, stored
}

// binary is data as BSON. It is never null: a record may be empty.
func binary(data []byte) bson.Binary { return bson.Binary{Data: data} }

// toDate rounds up to a millisecond: a record may live longer than asked, but
// not shorter.
func toDate(t time.Time) bson.DateTime {
	if t.IsZero() || !t.Before(never) {
		return bson.NewDateTimeFromTime(never)
	}
	return bson.NewDateTimeFromTime(t.Add(time.Millisecond - 1))
}

func fromDate(d bson.DateTime) time.Time {
	if d >= bson.NewDateTimeFromTime(never) {
		return time.Time{}
	}
	return d.Time().UTC()
}

// newToken returns a version that no other save has.
func newToken() uint64 {
	for {
		if token := rand.Uint64(); token != 0 {
			return token
		}
	}
}

// objectID is the _id of the documents that this store creates in Flask's
// layout: one and the same for one key, so that of two processes that create
// the same session only one succeeds, also without an index on the key.
func objectID(key string) (id bson.ObjectID) {
	sum := sha256.Sum256([]byte(key))
	copy(id[:], sum[:])
	return id
}

// entry reads a document. It does not check whether the record is live.
func (l layout) entry(raw bson.Raw) (store.Entry, error) {
	key, ok := raw.Lookup(l.key).StringValueOK()
	if !ok {
		return store.Entry{}, wrongField(l.key, raw)
	}
	_, data, ok := raw.Lookup(fieldData).BinaryOK()
	if !ok {
		return store.Entry{}, wrongField(fieldData, raw)
	}
	r := store.Record{Data: slices.Clip(data)}
	if data == nil {
		r.Data = []byte{}
	}
	switch v := raw.Lookup(fieldExpires); v.Type {
	case bson.TypeDateTime:
		ms, _ := v.DateTimeOK()
		r.Expires = fromDate(bson.DateTime(ms))
	case bson.TypeNull, 0: // none, or no such field
	default:
		return store.Entry{}, wrongField(fieldExpires, raw)
	}
	if l.versioned {
		version, ok := raw.Lookup(fieldVersion).Int64OK()
		if !ok || version == 0 {
			return store.Entry{}, wrongField(fieldVersion, raw)
		}
		r.Token = uint64(version)
	}
	return store.Entry{Key: key, Record: r}, nil
}

func wrongField(name string, raw bson.Raw) error {
	v := raw.Lookup(name)
	if v.IsZero() {
		return fmt.Errorf("its field %s is missing", name)
	}
	return fmt.Errorf("its field %s is of type %s", name, v.Type)
}
