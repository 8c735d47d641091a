package ledger

import "github.com/cloakroom/cloakroom/codec"

// A Base is a session's values as they were last read or written. The zero
// Base is a session that does not exist. Copies of a Base share its fields,
// which nobody changes.
type Base struct {
	Codec     codec.Codec
	Fields    []codec.Field
	Created   int64 // Unix seconds; 0 if the record does not say
	Meta      *Meta // nil if the record has none
	Permanent bool

	looks  uint8            // searches through more than few fields, one by one
	places map[string]int32 // of the fields, by name; nil until that was often
}

// Read returns the session that a record's fields make.
func Read(st *Style, c codec.Codec, fields []codec.Field) Base {
	b := Base{Codec: c, Fields: fields}
	for i := range fields {
		if f := &fields[i]; len(f.Name) > 0 && f.Name[0] == '_' {
			b.readOwn(st, f)
		}
	}
	return b
}

// readOwn takes up what cloakroom keeps in the record for itself. A field
// that is not of the expected type is somebody else's, and counts as missing.
func (b *Base) readOwn(st *Style, f *codec.Field) {
	switch string(f.Name) {
	case NameCreated:
		if st.Created {
			b.Created, _ = codec.Int64(b.Codec, f.Raw)
		}
	case NamePermanent:
		b.Permanent, _ = codec.Bool(b.Codec, f.Raw)
	case NameMeta:
		if st.Meta != nil {
			b.Meta = readMeta(st.Meta, b.Codec, f.Raw)
		}
	}
}

// Exists reports whether there is a session.
func (b *Base) Exists() bool { return b.Codec != nil }

// Find returns the raw bytes of a value and their codec, or nil. Of several
// fields with that name it takes the first one. It may note where the fields
// are: the caller serialises its use.
func (b *Base) Find(name string) ([]byte, codec.Codec) {
	if i := b.place(name); i >= 0 {
		return b.Fields[i].Raw, b.Codec
	}
	return nil, nil
}

// place returns where in b.Fields the first field of a name is, or -1.
func (b *Base) place(name string) int {
	if len(b.Fields) > few {
		if b.places == nil && b.looks == patience {
			b.places = placesOf(b.Fields)
		}
		if b.places != nil {
			if i, ok := b.places[name]; ok {
				return int(i)
			}
			return -1
		}
		b.looks++
	}
	for i := range b.Fields {
		if f := &b.Fields[i]; f.Name != nil && string(f.Name) == name {
			return i
		}
	}
	return -1
}

// Bare reports whether b holds nothing but _permanent.
func (b *Base) Bare() bool {
	return len(b.Fields) == 0 || len(b.Fields) == 1 && string(b.Fields[0].Name) == NamePermanent
}
