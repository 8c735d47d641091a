package codec

import (
	"fmt"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// Convert appends to dst, in the codec to, the value that raw is in the codec
// from. The order of dictionaries is kept.
//
// It loses nothing: the error matches [ErrType] if the target would have to
// show the value as something else. JSON refuses MessagePack's bytes, times,
// extensions, infinities, NaN, and keys that are not strings. MessagePack takes
// all of JSON; integers beyond 64 bits become the extension that [MsgPack]
// describes. dst is returned as it was if there is an error.
//
// The Key of a [Field] belongs to its codec and is not converted: leave it out
// of a field for another codec, which then writes the Name.
//
// A codec of another package is converted by way of any, which loses the order
// of dictionaries.
func Convert(dst []byte, to, from Codec, raw []byte) ([]byte, error) {
	out, err := convert(dst, to, from, raw)
	if err != nil {
		return dst, fmt.Errorf("codec: convert %s to %s: %w", from.Name(), to.Name(), err)
	}
	return out, nil
}

func convert(dst []byte, to, from Codec, raw []byte) ([]byte, error) {
	if err := checkRecord(raw); err != nil {
		return dst, err
	}
	target, ok := to.(inner)
	if !ok {
		v, err := slow[any](from, raw)
		if err != nil {
			return dst, err
		}
		return to.Marshal(dst, v)
	}
	source, ok := from.(inner)
	if !ok {
		v, err := slow[any](from, raw)
		if err != nil {
			return dst, err
		}
		return wire.Marshal(dst, target.lossless(), v)
	}
	r, err := source.reader(raw)
	if err != nil {
		return dst, err
	}
	if from == to {
		return append(dst, raw...), nil
	}
	return wire.Convert(dst, target.lossless(), r)
}

// inner is a codec of this package, as [Convert] needs it.
type inner interface {
	Codec
	// reader returns a reader that knows the number of elements.
	reader(raw []byte) (wire.Reader, error)
	// lossless returns a writer that refuses what it would have to change.
	lossless() wire.Writer
}
