package taggedjson

import (
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// unmarshal is Unmarshal but for the text of its errors.
func unmarshal(raw []byte, dst any) error {
	notes, err := scan(raw)
	if err != nil {
		return err
	}
	if done, err := assign(raw, notes, dst); done {
		return err
	}
	return wire.Unmarshal(&reader{data: raw, notes: notes}, jsontext.Writer{}, dst)
}

// Open returns a reader of the value raw, for conversions. It does not know how
// many elements lists and dictionaries have.
func Open(raw []byte) (wire.Reader, error) {
	notes, err := scan(raw)
	if err != nil {
		return nil, err
	}
	return &reader{data: raw, notes: notes}, nil
}

// scan checks a whole value.
func scan(raw []byte) ([]note, error) {
	if len(raw) > wire.MaxSize {
		return nil, errSize
	}
	if !utf8.Valid(raw) {
		return nil, errUTF8
	}
	s := scanner{data: raw, limit: wire.MaxDepth - 1, note: true}
	end, err := s.value(jsontext.Space(raw, 0))
	if err != nil {
		return nil, err
	}
	if jsontext.Space(raw, end) != len(raw) {
		return nil, errTrailing
	}
	return s.notes, nil
}

// assign is the short way for the most frequent types, on which nothing is
// allocated but a string.
func assign(raw []byte, notes []note, dst any) (done bool, err error) {
	switch dst.(type) {
	case *string, *int64, *int, *bool:
	default:
		return false, nil
	}
	r := reader{data: raw, notes: notes}
	t, err := r.Next()
	if err != nil {
		return true, err
	}
	switch p := dst.(type) {
	case *string:
		if t.Kind == wire.String && p != nil {
			*p, done = string(t.Data), true
		}
	case *int64:
		if t.Kind == wire.Int && p != nil {
			*p, done = t.Int, true
		}
	case *int:
		if t.Kind == wire.Int && p != nil && int64(int(t.Int)) == t.Int {
			*p, done = int(t.Int), true
		}
	case *bool:
		if t.Kind == wire.Bool && p != nil {
			*p, done = t.Bool, true
		}
	}
	return done, nil
}
