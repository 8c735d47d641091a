package itsdangerous_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/itsdangerous"
)

// stricter lists every vector that the real library accepts and this package
// refuses, with the reason. The tests fail if one of them passes after all.
var stricter = map[string]string{
	"signer/sign/empty_uuid":             "an empty secret protects nothing",
	"signer/sign/empty_urlsafe32":        "an empty secret protects nothing",
	"signer/sign/empty_urlsafe32_dashes": "an empty secret protects nothing",

	"signer/unsign/padded":                 "a second form of the same signature",
	"signer/unsign/noncanonical_last_char": "a second form of the same signature",
	"signer/unsign/four_junk":              "a second form of the same signature",
	"signer/unsign/std_alphabet":           "a second form of the same signature",

	"cookie/decode/signature_noncanonical_last_char": "a second form of the same signature",
	"cookie/decode/signature_padded":                 "a second form of the same signature",
	"cookie/decode/signature_padded_twice":           "a second form of the same signature",
	"cookie/decode/signature_std_alphabet":           "a second form of the same signature",
	"cookie/decode/signature_with_4_junk":            "a second form of the same signature",
	"cookie/decode/zlib_bomb_1mb":                    "8 bytes beyond the default limit of 1 MiB",
}

// expect compares the exception class of a vector, empty for none, with ours.
// It returns whether both succeeded.
func expect(t *testing.T, name, want string, err error) bool {
	t.Helper()
	got := class(t, err)
	if why, listed := stricter[name]; listed {
		if want != "" || got == "" {
			t.Errorf("listed as stricter (%s), but got %q and Python %q", why, got, want)
		}
		return false
	}
	if got != want {
		t.Errorf("got error class %q (%v), want %q", got, err, want)
	}
	return got == "" && want == ""
}

func readVectors(t *testing.T, name string, v any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// hexBytes is hex text in a vector file; null stays nil.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.AppendDecode([]byte{}, text)
	return err
}

type signerVectors struct {
	Sign []struct {
		Name, SID, Signed string
		Secret            hexBytes
		DerivedKey        hexBytes `json:"derived_key"`
	}
	Unsign []struct {
		Name, Error string
		Secret      hexBytes
		Signed      hexBytes `json:"signed_hex"`
		SID         hexBytes `json:"sid_hex"`
	}
}

var sidOptions = itsdangerous.Options{Salt: "flask-session", KeyDerivation: itsdangerous.DeriveHMAC}

func TestSignerVectors(t *testing.T) {
	var v signerVectors
	readVectors(t, "signer.json", &v)
	if len(v.Sign) < 15 || len(v.Unsign) < 25 {
		t.Fatalf("only %d and %d vectors", len(v.Sign), len(v.Unsign))
	}
	for _, e := range v.Sign {
		t.Run("sign/"+e.Name, func(t *testing.T) {
			s, err := itsdangerous.NewSigner(itsdangerous.Secret(e.Secret), sidOptions)
			if _, listed := stricter["signer/sign/"+e.Name]; listed {
				if err == nil {
					t.Error("listed as stricter, but accepted")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkDerivedKey(t, e.Secret, "flask-session", e.DerivedKey)
			if got := s.Sign(e.SID); got != e.Signed {
				t.Errorf("got %q, want %q", got, e.Signed)
			}
			if got, err := s.Unsign(e.Signed); err != nil || got != e.SID {
				t.Errorf("unsigned to %q, %v", got, err)
			}
		})
	}
	for _, e := range v.Unsign {
		t.Run("unsign/"+e.Name, func(t *testing.T) {
			s := must(itsdangerous.NewSigner(itsdangerous.Secret(e.Secret), sidOptions))
			got, err := s.Unsign(string(e.Signed))
			if expect(t, "signer/unsign/"+e.Name, e.Error, err) && got != string(e.SID) {
				t.Errorf("got %q, want %q", got, e.SID)
			}
		})
	}
}

func checkDerivedKey(t *testing.T, secret []byte, salt string, want []byte) {
	t.Helper()
	got, err := itsdangerous.DeriveKey(itsdangerous.DeriveHMAC, sha1.New, secret, salt)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("derived key %x, %v, want %x", got, err, want)
	}
}

type cookieVectors struct {
	Defaults struct {
		Secret   hexBytes `json:"secret_key"`
		Now      int64
		Lifetime int64 `json:"lifetime_seconds"`
	}
	Encode []struct {
		Name, Cookie string
		JSON         []byte
		Compressed   bool
	}
	Keys []struct {
		Name, Cookie string
		Secret       hexBytes
		Now          int64
		DerivedKey   hexBytes `json:"derived_key"`
	}
	Fallbacks []struct {
		Name      string
		SignsTo   string `json:"signs_to"`
		Secret    hexBytes
		Fallbacks []hexBytes
		Accepts   []struct {
			SignedWith string `json:"signed_with"`
			Cookie     string
			OK         bool
		}
	}
	Decode []struct {
		Name, Error string
		Secret      hexBytes
		Now         int64
		Lifetime    int64
		Cookie      hexBytes `json:"cookie_hex"`
		InCodec     bool     `json:"in_codec"`
	}
}

func readCookieVectors(t *testing.T) (v cookieVectors) {
	t.Helper()
	readVectors(t, "flask_cookie.json", &v)
	if len(v.Encode) < 140 || len(v.Keys) < 10 || len(v.Fallbacks) < 4 || len(v.Decode) < 120 {
		t.Fatalf("only %d, %d, %d, %d vectors", len(v.Encode), len(v.Keys), len(v.Fallbacks), len(v.Decode))
	}
	return v
}

// cookieOptions are Flask's, with the payload left as it is.
func cookieOptions(now int64) itsdangerous.Options {
	return itsdangerous.Options{
		Salt: "cookie-session", KeyDerivation: itsdangerous.DeriveHMAC, Now: at(now), Codec: opaque{},
	}
}

func TestCookieEncodeVectors(t *testing.T) {
	v := readCookieVectors(t)
	s := must(itsdangerous.NewURLSafeTimedSerializer(
		itsdangerous.Secret(v.Defaults.Secret), cookieOptions(v.Defaults.Now)))
	for _, e := range v.Encode {
		t.Run(e.Name, func(t *testing.T) {
			for what, cookie := range map[string]string{"ours": s.DumpsRaw(e.JSON), "theirs": e.Cookie} {
				got, date, err := s.LoadsRaw(cookie, 0)
				if err != nil || !bytes.Equal(got, e.JSON) || date.Unix() != v.Defaults.Now {
					t.Errorf("%s loads as %q of %v, %v", what, got, date, err)
				}
			}
			got := s.DumpsRaw(e.JSON)
			if !e.Compressed && got != e.Cookie {
				t.Errorf("got %q, want %q", got, e.Cookie)
			}
			// The deflated bytes differ from zlib's, so it is the rule that counts.
			if text, deflated := strings.CutPrefix(got, "."); deflated {
				text, _, _ = strings.Cut(text, ".")
				if data := must(itsdangerous.DecodeBase64(text)); len(data) >= len(e.JSON)-1 {
					t.Errorf("deflated %d bytes to %d", len(e.JSON), len(data))
				}
			} else if e.Compressed && len(e.JSON) > 100 {
				t.Errorf("did not deflate %d bytes", len(e.JSON))
			}
		})
	}
}

func TestCookieKeyVectors(t *testing.T) {
	for _, e := range readCookieVectors(t).Keys {
		t.Run(e.Name, func(t *testing.T) {
			s, err := itsdangerous.NewURLSafeTimedSerializer(itsdangerous.Secret(e.Secret), cookieOptions(e.Now))
			if len(e.Secret) == 0 {
				if err == nil {
					t.Error("an empty secret was accepted")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkDerivedKey(t, e.Secret, "cookie-session", e.DerivedKey)
			payload, _, err := s.LoadsRaw(e.Cookie, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.DumpsRaw(payload); got != e.Cookie {
				t.Errorf("got %q, want %q", got, e.Cookie)
			}
		})
	}
}

func TestCookieFallbackVectors(t *testing.T) {
	v := readCookieVectors(t)
	for _, e := range v.Fallbacks {
		t.Run(e.Name, func(t *testing.T) {
			// Flask puts SECRET_KEY last, where the newest is.
			secrets := itsdangerous.Secret(append(e.Fallbacks, e.Secret)...)
			s := must(itsdangerous.NewURLSafeTimedSerializer(secrets, cookieOptions(v.Defaults.Now)))
			payload, _, err := s.LoadsRaw(e.SignsTo, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.DumpsRaw(payload); got != e.SignsTo {
				t.Errorf("signed %q, want %q", got, e.SignsTo)
			}
			for _, a := range e.Accepts {
				if _, _, err := s.LoadsRaw(a.Cookie, 0); (err == nil) != a.OK {
					t.Errorf("signed with %s: %v, want ok %v", a.SignedWith, err, a.OK)
				}
			}
		})
	}
}

func TestCookieDecodeVectors(t *testing.T) {
	v := readCookieVectors(t)
	for _, e := range v.Decode {
		t.Run(e.Name, func(t *testing.T) {
			s := must(itsdangerous.NewURLSafeTimedSerializer(itsdangerous.Secret(e.Secret), cookieOptions(e.Now)))
			lifetime := e.Lifetime
			if lifetime == 0 {
				lifetime = v.Defaults.Lifetime
			}
			want := e.Error
			if e.InCodec { // the payload comes out well; the codec here takes all
				want = ""
			}
			var got []byte
			_, err := s.Loads(string(e.Cookie), &got, time.Duration(lifetime)*time.Second)
			expect(t, "cookie/decode/"+e.Name, want, err)
		})
	}
}

// TestJSONVectors reads the payloads that hold plain JSON with the default
// codec.
func TestJSONVectors(t *testing.T) {
	v := readCookieVectors(t)
	refused := map[string]string{
		"payload_json_nan":     "encoding/json has no NaN",
		"payload_json_big_exp": "encoding/json has no Infinity for what overflows",
	}
	for _, e := range v.Decode {
		if !strings.HasPrefix(e.Name, "payload_json") {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			o := cookieOptions(e.Now)
			o.Codec = nil
			s := must(itsdangerous.NewURLSafeTimedSerializer(itsdangerous.Secret(e.Secret), o))
			var value any
			_, err := s.Loads(string(e.Cookie), &value, 0)
			want := e.Error
			if why, listed := refused[e.Name]; listed {
				if want != "" {
					t.Errorf("listed (%s), but Python refuses it too", why)
				}
				want = "BadPayload"
			}
			if got := class(t, err); got != want {
				t.Errorf("got error class %q (%v), want %q", got, err, want)
			}
		})
	}
}

// TestStricterIsUsed makes sure that no entry of the list has lost its vector.
func TestStricterIsUsed(t *testing.T) {
	var signer signerVectors
	readVectors(t, "signer.json", &signer)
	known := map[string]bool{}
	for _, e := range signer.Sign {
		known["signer/sign/"+e.Name] = true
	}
	for _, e := range signer.Unsign {
		known["signer/unsign/"+e.Name] = true
	}
	for _, e := range readCookieVectors(t).Decode {
		known["cookie/decode/"+e.Name] = true
	}
	for name, why := range stricter {
		if !known[name] || why == "" {
			t.Errorf("%s: no such vector, or no reason", name)
		}
	}
}
