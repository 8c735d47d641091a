package ledger

import "github.com/cloakroom/cloakroom/codec"

// A Base is a session's values as they were last read or written. The zero
// Base is a session that does not exist.
type Base struct {
	Codec     codec.Codec
	Fields    []codec.Field
	Created   int64 // Unix seconds; 0 if the record does not say
	Permanent bool
}

// Read returns the session that a record's fields make.
func Read(st *Style, c codec.Codec, fields []codec.Field) Base {
	b := Base{Codec: c, Fields: fields}
	for i := range fields {
		if f := &fields[i]; len(f.Name) > 0 && f.Name[0] == '_' {
			b.readMeta(st, f)
		}
	}
	return b
}

// readMeta takes up what cloakroom keeps in the record for itself. A field
// that is not of the expected type is somebody else's, and counts as missing.
func (b *Base) readMeta(st *Style, f *codec.Field) {
	switch string(f.Name) {
	case NameCreated:
		if st.Created {
			b.Created, _ = codec.Int64(b.Codec, f.Raw)
		}
	case NamePermanent:
		b.Permanent, _ = codec.Bool(b.Codec, f.Raw)
	}
}

// Exists reports whether there is a session.
func (b *Base) Exists() bool { return b.Codec != nil }

// Find returns the raw bytes of a value and their codec, or nil.
func (b *Base) Find(name string) ([]byte, codec.Codec) {
	for i := range b.Fields {
		if f := &b.Fields[i]; f.Name != nil && string(f.Name) == name {
			return f.Raw, b.Codec
		}
	}
	return nil, nil
}

// Bare reports whether b holds nothing but _permanent.
func (b *Base) Bare() bool {
	return len(b.Fields) == 0 || len(b.Fields) == 1 && string(b.Fields[0].Name) == NamePermanent
}
