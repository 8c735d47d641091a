package taggedjson

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// Codec is Flask's tagged JSON. See the package comment.
var Codec codec.Codec = taggedJSON{}

type taggedJSON struct{}

// Name implements [codec.Codec].
func (taggedJSON) Name() string { return "taggedjson" }

// Match implements [codec.Codec]. It accepts the beginnings of null, [] and ""
// too, which Flask takes for an empty session.
func (taggedJSON) Match(data []byte) bool {
	p := jsontext.Space(data, 0)
	return p < len(data) && bytes.IndexByte([]byte(`{[n"`), data[p]) >= 0
}

// Split implements [codec.Codec].
func (taggedJSON) Split(dst []codec.Field, data []byte) ([]codec.Field, error) {
	fields, err := split(dst, data)
	if err != nil {
		return dst, fmt.Errorf("taggedjson: split: %w", err)
	}
	return fields, nil
}

// Join implements [codec.Codec].
func (taggedJSON) Join(dst []byte, fields []codec.Field) ([]byte, error) {
	out, err := join(dst, fields)
	if err == nil && len(out)-len(dst) > wire.MaxSize {
		err = fmt.Errorf("%w: the record takes more than %d bytes", wire.ErrLimit, wire.MaxSize)
	}
	if err != nil {
		return dst, fmt.Errorf("taggedjson: join: %w", err)
	}
	return out, nil
}

// Marshal implements [codec.Codec].
func (taggedJSON) Marshal(dst []byte, v any) ([]byte, error) {
	out, err := marshal(dst, v)
	if err != nil {
		return dst, fmt.Errorf("taggedjson: marshal: %w", err)
	}
	return out, nil
}

// Unmarshal implements [codec.Codec].
func (taggedJSON) Unmarshal(raw []byte, dst any) error {
	if err := unmarshal(raw, dst); err != nil {
		return fmt.Errorf("taggedjson: unmarshal: %w", err)
	}
	return nil
}

func join(dst []byte, fields []codec.Field) ([]byte, error) {
	order, err := sorted(fields)
	if err != nil {
		return dst, err
	}
	if len(order) == 1 && order[0].field.Name != nil && tagNamed(order[0].field.Name) != none {
		f := order[0].field
		dst = appendEscape(dst, string(f.Name))
		return append(append(dst, f.Raw...), "}}"...), nil
	}
	dst = append(dst, '{')
	for i, o := range order {
		if i > 0 {
			dst = append(dst, ',')
		}
		if o.field.Key != nil {
			dst = append(dst, o.field.Key...)
		} else {
			dst = appendQuoted(dst, string(o.field.Name))
		}
		dst = append(append(dst, ':'), o.field.Raw...)
	}
	return append(dst, '}'), nil
}

// A named field is one by the name that it sorts by, in which surrogates count.
type named struct {
	name  []byte
	field *codec.Field
}

// sorted returns the fields in the order in which Python sorts their names: by
// code points, which is also the order of their bytes in UTF-8.
func sorted(fields []codec.Field) ([]named, error) {
	if len(fields) > wire.MaxFields {
		return nil, fmt.Errorf("%w: %d fields, at most %d are allowed", wire.ErrLimit, len(fields), wire.MaxFields)
	}
	order := make([]named, len(fields))
	size := 0
	for i := range fields {
		f := &fields[i]
		order[i] = named{f.Name, f}
		switch {
		case len(f.Raw) == 0:
			return nil, fmt.Errorf("%w: a field has no value", wire.ErrType)
		case f.Name == nil && len(f.Key) < 2:
			return nil, fmt.Errorf("%w: a field has no name", wire.ErrType)
		case f.Name == nil:
			order[i].name = unquote(f.Key, keep)
		case f.Key == nil && !validName(f.Name):
			return nil, fmt.Errorf("%w: a name is not valid UTF-8", wire.ErrType)
		}
		if size += len(f.Name) + len(f.Raw); size > wire.MaxSize {
			return nil, fmt.Errorf("%w: the record takes more than %d bytes", wire.ErrLimit, wire.MaxSize)
		}
	}
	less := func(a, b named) int { return bytes.Compare(a.name, b.name) }
	if !slices.IsSortedFunc(order, less) {
		slices.SortStableFunc(order, less)
	}
	return order, nil
}

var judge = wire.NewJudge(new(writer))

// Judge implements [wire.Judged].
func (taggedJSON) Judge() *wire.Judge { return judge }
