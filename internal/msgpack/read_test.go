package msgpack

import (
	"errors"
	"testing"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// A token is read without a look at the rest of the value. What it claims to
// hold must be possible all the same.
func TestTokensClaimNoMoreThanThereIs(t *testing.T) {
	for name, data := range map[string]string{
		"string":      "\xd9\x02a",
		"string 16":   "\xda\x00\x02a",
		"string 32":   "\xdb\xff\xff\xff\xffa",
		"short text":  "\xa2a",
		"bytes":       "\xc4\x02a",
		"bytes 32":    "\xc6\xff\xff\xff\xffa",
		"extension":   "\xc7\x01\x05",
		"extension 1": "\xd4\x05",
		"no code":     "\xc7\x00",
		"list 16":     "\xdc\x00\x02\x01",
		"list 32":     "\xdd\xff\xff\xff\xff\x01",
		"map 16":      "\xde\x00\x01\x01",
		"map 32":      "\xdf\x80\x00\x00\x00\x01",
		"number":      "\xcd\x01",
		"cut header":  "\xdb\x00\x00",
		"nothing":     "",
	} {
		var token wire.Token
		if _, err := ReadToken(&token, []byte(data), 0); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: got error %v, want ErrMalformed", name, err)
		}
		if _, err := ReadWhole([]byte(data)); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s as a whole: got error %v, want ErrMalformed", name, err)
		}
	}
}
