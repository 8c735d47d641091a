package flask

import (
	"fmt"
	"math/big"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/msgpack"
	"github.com/cloakroom/cloakroom/internal/pickle"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// translateValue returns the value raw in another format, as Flask-Session
// would make it by reading one and writing the other.
func translateValue(to, from codec.Codec, raw []byte) ([]byte, error) {
	r, err := readerOf(from, raw)
	if err != nil {
		return nil, err
	}
	switch to.Name() {
	case codec.MsgPack.Name():
		return sayWhich(to, from)(wire.Translate(nil, noBigIntegers{}, r))
	case codec.JSON.Name():
		return sayWhich(to, from)(wire.Translate(nil, jsontext.Writer{}, r))
	}
	data, err := sayWhich(to, from)(wire.Translate(pickle.Begin(), pickle.Writer{}, r))
	if err != nil {
		return nil, err
	}
	return sayWhich(to, from)(pickle.Close(data))
}

// sayWhich says in an error which formats it is about.
func sayWhich(to, from codec.Codec) func([]byte, error) ([]byte, error) {
	return func(out []byte, err error) ([]byte, error) {
		if err != nil {
			err = fmt.Errorf("%s to %s: %w", from.Name(), to.Name(), err)
		}
		return out, err
	}
}

// translateKey is translateValue for a key that is no string.
func translateKey(to, from codec.Codec, key []byte) ([]byte, error) {
	out, err := translateValue(to, from, key)
	if err != nil || to.Name() != codec.JSON.Name() {
		return out, err
	}
	return sayWhich(to, from)(jsontext.Writer{}.Key(nil, out))
}

func readerOf(c codec.Codec, raw []byte) (wire.Reader, error) {
	switch c.Name() {
	case codec.MsgPack.Name():
		return msgpack.NewReader(raw), msgpack.Check(raw, codec.MaxDepth)
	case codec.JSON.Name():
		return jsontext.NewCountingReader(raw), jsontext.Check(raw, codec.MaxDepth)
	}
	return pickle.Open(raw)
}

// noBigIntegers is MessagePack without the extension that stands for integers
// beyond 64 bits, of which Flask-Session knows nothing.
type noBigIntegers struct{ msgpack.Writer }

// Big implements [wire.Writer].
func (noBigIntegers) Big(dst []byte, _ *big.Int) ([]byte, error) {
	return dst, fmt.Errorf("%w: an integer beyond 64 bits", codec.ErrType)
}
