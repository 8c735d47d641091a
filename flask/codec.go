package flask

import (
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/pickle"
	"github.com/cloakroom/cloakroom/internal/taggedjson"
)

// RecordCodec returns the codec of the records of a server-side session that
// are written in format. Like Flask-Session from 0.7 on it reads the other
// formats, too; see [Config.RecordCodec] for how it tells them apart, and what
// becomes of values.
func RecordCodec(format Format) codec.Codec {
	switch format {
	case FormatJSON:
		return recordCodec{codec.JSON}
	case FormatPickle:
		return recordCodec{pickled}
	default:
		return recordCodec{codec.MsgPack}
	}
}

// RecordCodec returns the codec of the records that c describes: tagged JSON
// for Flask's own cookie; pickle for SESSION_TYPE filesystem and cachelib, whatever
// the format, in cachelib's protocol 5; else what
// SESSION_SERIALIZATION_FORMAT says, where pickle means the protocol that
// Flask-Session before 0.7 writes to the backend.
//
// It reads MessagePack, JSON and pickle. Their first bytes tell them apart: a
// MessagePack map begins with 0x80 to 0x8f, 0xde or 0xdf, a JSON object with
// white space or {, and a pickled dictionary with ( or }, or from protocol 2 on
// with 0x80, which as MessagePack would be an empty map and the record's only
// byte. No whole record can be mistaken.
//
// A record in another format is read as it is, and when it is saved with a
// change, becomes one in the codec's own format, as with Flask-Session. Its
// values become what msgspec makes of them: a tuple or set a list; a Decimal,
// UUID, date, naive datetime or timedelta text; a bytearray bytes; in JSON also
// bytes base64, a time text, and a key that is a number its digits. Where
// msgspec would fail, and Flask-Session answer 500 (a Markup, a complex number,
// an integer beyond 64 bits, half a surrogate pair), the whole record stays in
// the format that it has, which all of them read.
func (c *Config) RecordCodec() codec.Codec {
	switch {
	case c.Type == TypeCookie:
		return taggedjson.Codec
	case c.Type == TypeFileSystem, c.Type == TypeCacheLib:
		return recordCodec{pickle.Codec(5)}
	case c.Type == TypeMemcached && c.Format == FormatPickle:
		return recordCodec{pickle.Codec(0)}
	}
	return RecordCodec(c.Format)
}
