package flask

import (
	"fmt"
	"math/big"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/msgpack"
	"github.com/cloakroom/cloakroom/internal/pickle"
	"github.com/cloakroom/cloakroom/internal/taggedjson"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// translation is wire.Translate or wire.TranslateKey.
type translation func(dst []byte, w wire.Writer, r wire.Reader) ([]byte, error)

// translate returns the value or key raw in another format, as Flask-Session
// would make it by reading one and writing the other.
func translate(how translation, to, from codec.Codec, raw []byte) (out []byte, err error) {
	r, err := readerOf(from, raw)
	if err == nil {
		switch to.Name() {
		case codec.MsgPack.Name():
			out, err = how(nil, forPython{}, r)
		case codec.JSON.Name():
			out, err = how(nil, jsontext.Writer{}, r)
		default:
			if out, err = how(pickle.Begin(), pickle.Writer{}, r); err == nil {
				out, err = pickle.Close(out)
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s to %s: %w", from.Name(), to.Name(), err)
	}
	return out, nil
}

func readerOf(c codec.Codec, raw []byte) (wire.Reader, error) {
	switch c.Name() {
	case codec.MsgPack.Name():
		return msgpack.NewReader(raw), msgpack.Check(raw, codec.MaxDepth)
	case codec.JSON.Name():
		return jsontext.NewCountingReader(raw), jsontext.Check(raw, codec.MaxDepth)
	case taggedjson.Codec.Name():
		return taggedjson.Open(raw)
	}
	return pickle.Open(raw)
}

// forPython is MessagePack without our extensions, of which Flask-Session
// knows nothing: integers beyond 64 bits are refused, and strings that are not
// UTF-8 are bytes.
type forPython struct{ msgpack.Writer }

// Big implements [wire.Writer].
func (forPython) Big(dst []byte, _ *big.Int) ([]byte, error) {
	return dst, fmt.Errorf("%w: an integer beyond 64 bits", codec.ErrType)
}

// String implements [wire.Writer].
func (w forPython) String(dst []byte, v string) ([]byte, error) {
	if !utf8.ValidString(v) {
		return w.Bytes(dst, []byte(v))
	}
	return w.Writer.String(dst, v)
}
