package flask_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/cloakroom/cloakroom/flask"
)

// FuzzInspect checks that what is shown is JSON that prints, and that errors do
// not quote what they are about.
func FuzzInspect(f *testing.F) {
	for _, s := range []string{
		goodCookie, "Cookie: session=" + goodCookie + "; a=b", pickled, "\x00\x00\x00\x66" + pickled, `{"a":[1,{"$b":null}],"é":"\u001b"}`,
		"\x83\xa1a\x93\xc0\xc3\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xa1b\xc4\x01\xff\x07\x81\x01\x02", "\x81\xa1k\xd4\x05\x01",
		".eJyrVspUsjLUUSotTi1SslJKTElUqgUARtEGWQ.ZZN9JQ.x", "cloakrm\x01" + strings.Repeat("\x00", 40),
		"\xc1crm\x01E\x00\x00\x01\x93\x7f\x00\x00\x00left", "\xc1crm\x01M\xff\xff\xff\xff\xff\xff\xff\xff",
		usersRecord("ada", "\xd3\x00\x00\x01\x93\x7f\x00\x00\x00"), usersRecord("a\u202eb", "\x07"),
		"}(K\x07K\x01NK\x02(\x88U\x01$tU\x01xU\x01$}(K\x01NU\x01$Nuu.",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := flask.Inspect(data, flask.Config{SecretKey: flask.Secret(vectorKey), CookieName: "session"})
		if err != nil {
			if len(err.Error()) > 600 || strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("an error of %d bytes, or one that does not print: %q", len(err.Error()), err)
			}
			return
		}
		if !json.Valid(in.JSON) {
			t.Fatalf("%q is shown as %q, which is no JSON", data, in.JSON)
		}
		for _, why := range in.Unread {
			if strings.ContainsFunc(why, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%q: what cannot be read is said as %q", data, why)
			}
		}
		for _, r := range string(in.JSON) {
			if !unicode.IsPrint(r) && r != '\n' {
				t.Fatalf("%q is shown as %q, with %U in it", data, in.JSON, r)
			}
		}
	})
}
