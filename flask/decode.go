package flask

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store"
)

// An Inspection shows what is in a cookie or a record.
type Inspection struct {
	// Kind says what it is: "Flask's session cookie", "cachelib file", "file of
	// store/filestore", or "record".
	Kind string
	// Format is that of the content: msgpack, json, pickle, taggedjson, user for what
	// lists a user's sessions, or mark for what a session that has ended leaves (see
	// [store.Mark]).
	Format string
	// Size is that of the content in bytes, as it is stored.
	Size int
	// JSON is the content; see [Inspect].
	JSON []byte
	// Unread says which values could not be read, and why.
	Unread []string

	// Signature says what is known about a cookie's signature. A record has
	// none.
	Signature Signature
	// SignedBy is the key of Flask's configuration that holds the secret of a
	// good signature.
	SignedBy string
	// Signed is when the cookie says that it was signed; zero if it does not.
	Signed time.Time
	// Expires is until when a record says that it is valid; zero if it does
	// not, or for ever. That of a cookie depends on the configuration.
	Expires time.Time

	// Mark says why a session has ended; zero if this is no mark.
	Mark store.MarkKind
	// Ended is when the session has ended; zero if this is no mark.
	Ended time.Time
}

// A Signature is what is known about a signature.
type Signature int

const (
	// SignatureNone: there is none.
	SignatureNone Signature = iota
	// SignatureUnchecked: no secret was given.
	SignatureUnchecked
	// SignatureBad: none of the secrets made it, so that anybody may have.
	SignatureBad
	// SignatureGood: one of the secrets made it.
	SignatureGood
)

// MaxInspected is the size in bytes beyond which [Inspect] refuses data: that of
// the largest record, with what a file has around it. It inflates a cookie to
// 1 MiB at most.
const MaxInspected = codec.MaxSize + 4096

// Inspect shows what is in data: Flask's session cookie, alone or in a line
// with its name or header, or among the lines of a whole HTTP header; a file of cachelib or of package store/filestore; or
// a record in MessagePack, JSON or pickle. It needs no secret. Those in cfg tell
// who signed a cookie; cfg need not be valid, see [InspectConfig].
//
// Data may be hostile: nothing is executed, and what is beyond bounds is
// refused.
//
// The content is JSON, indented, in its own order. What JSON lacks is an object
// with one name, which begins with a $:
//
//	{"$tuple": [1, 2]}           also $set, $frozenset
//	{"$bytes": "AQI="}           in base64; also $bytearray
//	{"$datetime": "2024-02-29T12:34:56Z"}
//	                             without a zone if it has none; also $date, $time
//	{"$timedelta": "P1DT2S"}     in ISO 8601; $timezone: an offset
//	{"$markup": "<b>"}           also $uuid, $decimal
//	{"$float": "NaN"}            also Infinity and -Infinity
//	{"$complex": [1.0, -2.0]}
//	{"$ext": [5, "AQI="]}        MessagePack's extensions: type, and data in base64
//	{"$unread": "why"}           in place of a value that cannot be read
//	{"$ended": "2024-02-29T12:34:56.789Z"}
//	                             the mark of an ended session; $moved and $renewed:
//	                             of one that goes on under another ID; $mark: of a
//	                             kind that this release does not know
//	{"$user": "ada", "$sessions": [{"handle": "0123456789abcdef", "listed": "2024-02-29T12:34:56.789Z"}]}
//	                             a user's record: the handles only where a file
//	                             tells its key
//
// A key that is no text is the JSON of it behind a $, as in {"$7": "x"}; text
// that begins with a $ has another one before it as a key. Whatever does not
// print is escaped.
func Inspect(data []byte, cfg Config) (*Inspection, error) {
	in, err := inspect(data, &cfg)
	if err != nil {
		return nil, fmt.Errorf("flask: inspect: %w", err)
	}
	return in, nil
}

// InspectConfig returns the defaults as changed by the sources, like Load, but
// checks no more than each value by itself: to look at a session takes no
// secret, and one that can be guessed has signed it all the same.
func InspectConfig(sources ...Source) (Config, error) {
	c := DefaultConfig()
	c.origins = map[string]string{}
	var problems []error
	for _, s := range sources {
		problems = append(problems, c.apply(s)...)
	}
	return c, errors.Join(problems...)
}

var (
	errNothing  = errors.New("there is nothing to show")
	errUnknown  = errors.New("neither Flask's session cookie, nor a record in MessagePack, JSON or pickle")
	errLarge    = fmt.Errorf("%w: more than %d bytes", codec.ErrLimit, MaxInspected)
	errID       = errors.New("it is the ID of a session: the session itself is a record in the store, named SESSION_KEY_PREFIX and the ID")
	errCount    = errors.New("it is cachelib's count of the files in the directory, not a session")
	errSealed   = errors.New("it may be a cookie that package cloakroom has sealed: only its keys open it")
	errSealedIn = errors.New("it is no record in MessagePack, JSON or pickle; it may be sealed, which only RecordKeys open")
)

// inspect tells what data is. A file of cachelib's may begin with any four
// bytes, which are its expiry, so that it is looked for first, in the form in
// which cachelib writes it, and last, in every form in which it reads it.
func inspect(data []byte, cfg *Config) (*Inspection, error) {
	text := bytes.TrimSpace(data)
	switch {
	case len(text) == 0:
		return nil, errNothing
	case len(data) > MaxInspected:
		return nil, errLarge
	case bytes.HasPrefix(data, []byte(filestoreMagic)):
		return inspectFilestore(data)
	case isMark(data):
		return inspectMark("record", data), nil
	case inspectUser("record", "", data) != nil:
		return inspectUser("record", "", data), nil
	case isCachelib(data):
		return inspectCachelib(data)
	}
	if c := codec.Detect(data, formats[:]...); c != nil {
		in, err := inspectRecord("record", data, c)
		if err != nil && len(data) > cachelibHeader {
			if file, fileErr := inspectCachelib(data); fileErr == nil {
				return file, nil
			}
		}
		return in, err
	}
	if line, ok := cookieLine(text, cfg.CookieName); ok {
		text = line
	}
	if printable(text) {
		return inspectText(string(text), cfg)
	}
	in, err := inspectCachelib(data)
	switch {
	case err == nil:
		return in, nil
	case isCount(data):
		return nil, errCount
	}
	return nil, errUnknown
}

func printable(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// idText is what IDs are made of, and sealed cookies, too.
var idText = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// inspectText tells what a line of text is.
func inspectText(text string, cfg *Config) (*Inspection, error) {
	value, err := cookieValue(text, cfg.CookieName)
	if err != nil {
		return nil, err
	}
	id, _, signed := cutLast(value, '.')
	switch {
	case value == "":
		return nil, errNothing
	case idText.MatchString(value) && len(value) > 128:
		return nil, errSealed
	case idText.MatchString(value), signed && idText.MatchString(id):
		return nil, errID
	}
	return inspectCookie(value, cfg)
}

// fill shows a record.
func (in *Inspection) fill(data []byte, c codec.Codec) error {
	fields, err := c.Split(nil, data)
	if err != nil {
		return err
	}
	in.Format, in.Size = c.Name(), len(data)
	in.JSON, in.Unread = showFields(c, fields)
	return nil
}
