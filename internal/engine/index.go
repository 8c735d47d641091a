package engine

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/cloakroom/cloakroom/codec"
)

const (
	indexSlots  = 1024
	indexMin    = 4 << 10 // walking through a smaller record is as fast
	indexFields = 64
)

// indexes remembers where the values of large records lie, so that a record
// which has not changed since it was last read need not be walked through
// again. It holds no bytes of the records, and a bounded number of places: at
// most 900 kB if every slot is in use by a record of 64 fields.
//
// A record is the same if the store says so by its token. Should that be wrong,
// values are cut out at the wrong places, and decoding them fails; the places
// are within the record all the same.
type indexes struct {
	slots [indexSlots]atomic.Pointer[index]
}

// An index is the places of one record's fields, which lie side by side.
type index struct {
	key   uint64 // hash of the store key, seeded
	token uint64
	size  int // of the record
	first int // where the first field begins
	codec codec.Codec
	spans []span
}

// A span is the lengths of one field. The name is the end of the key.
type span struct {
	key, raw, name int32 // name is -1 for a key that is no string
}

// find returns the codec and the fields of data, the record of key, if it is
// known where they lie.
func (x *indexes) find(seed maphash.Seed, key string, token uint64, data []byte) (codec.Codec, []codec.Field) {
	if token == 0 || len(data) < indexMin {
		return nil, nil
	}
	hash := maphash.String(seed, key)
	ix := x.slots[hash%indexSlots].Load()
	if ix == nil || ix.key != hash || ix.token != token || ix.size != len(data) {
		return nil, nil
	}
	fields := make([]codec.Field, len(ix.spans))
	p := ix.first
	for i, sp := range ix.spans {
		f := &fields[i]
		raw := p + int(sp.key)
		f.Key = data[p:raw:raw]
		if sp.name >= 0 {
			f.Name = data[raw-int(sp.name) : raw : raw]
		}
		p = raw + int(sp.raw)
		f.Raw = data[raw:p:p]
	}
	return ix.codec, fields
}

// note remembers where the fields of data lie, if that can be said in spans.
func (x *indexes) note(seed maphash.Seed, key string, token uint64, data []byte, c codec.Codec, fields []codec.Field) {
	if token == 0 || len(data) < indexMin || len(fields) > indexFields {
		return
	}
	ix := &index{key: maphash.String(seed, key), token: token, size: len(data), codec: c}
	ix.first = len(data)
	for i := range fields {
		ix.first -= len(fields[i].Key) + len(fields[i].Raw)
	}
	if ix.first < 0 {
		return
	}
	ix.spans = make([]span, len(fields))
	p := ix.first
	for i := range fields {
		f := &fields[i]
		raw := p + len(f.Key)
		if !liesAt(data, p, f.Key) || !liesAt(data, raw, f.Raw) || len(f.Name) > 0 && !liesAt(data, raw-len(f.Name), f.Name) {
			return
		}
		ix.spans[i] = span{int32(len(f.Key)), int32(len(f.Raw)), int32(len(f.Name))}
		if f.Name == nil {
			ix.spans[i].name = -1
		}
		p = raw + len(f.Raw)
	}
	x.slots[ix.key%indexSlots].Store(ix)
}

// liesAt reports whether part is the piece of data that begins at p.
func liesAt(data []byte, p int, part []byte) bool {
	return p >= 0 && len(part) > 0 && p+len(part) <= len(data) && &data[p] == &part[0]
}
