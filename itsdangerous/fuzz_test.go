package itsdangerous_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/itsdangerous"
)

// FuzzUnsign looks for a text that two signers disagree about, or that is
// accepted though it is not what would be written.
func FuzzUnsign(f *testing.F) {
	secrets := itsdangerous.Secret("old", "new")
	signer := must(itsdangerous.NewSigner(secrets, itsdangerous.Options{}))
	old := must(itsdangerous.NewSigner(secrets[:1], itsdangerous.Options{}))
	timed := must(itsdangerous.NewTimestampSigner(secrets, itsdangerous.Options{Now: at(signedAt)}))
	for _, text := range []string{
		"", ".", "..", "...", "x.AAAA", signer.Sign(""), signer.Sign("a.b"), old.Sign("x"), timed.Sign("x"),
		old.Sign("x.ZZN9JQ"), signer.Sign("x.!!!"), signer.Sign("x.____________"), signer.Sign("x.AAAAAGWTfSU="),
		signer.Sign("x") + "=", timed.Sign("\xff\x00\n"),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := signer.Unsign(text)
		if got := class(t, err); got != "" && got != "BadSignature" {
			t.Errorf("signer: %v", err)
		}
		if err == nil && text != signer.Sign(value) && text != old.Sign(value) {
			t.Error("accepted a text that nobody wrote")
		}
		tvalue, date, terr := timed.Unsign(text, time.Minute)
		class(t, terr)
		if terr == nil && (err != nil || !strings.HasPrefix(value, tvalue+".") || date.Unix() > signedAt) {
			t.Errorf("with timestamp %q of %v, without %q, %v", tvalue, date, value, err)
		}
		if got, _ := signer.Unsign(signer.Sign(text)); got != text {
			t.Errorf("signed and unsigned: %q", got)
		}
		if got, _, _ := timed.Unsign(timed.Sign(text), 0); got != text {
			t.Errorf("signed with the time and unsigned: %q", got)
		}
	})
}

// FuzzLoads signs what it is given and reads it, so that the fuzzer gets
// behind the signature.
func FuzzLoads(f *testing.F) {
	const limit = 10_000
	o := itsdangerous.Options{Salt: "itsdangerous", Now: at(signedAt)}
	signer := must(itsdangerous.NewSigner(itsdangerous.Secret("dev"), o))
	o.MaxInflated = limit
	s := must(itsdangerous.NewURLSafeTimedSerializer(itsdangerous.Secret("dev"), o))
	for _, text := range []string{
		"", "e30.ZZN9JQ", "e30", ".eJyrVkpUsjKsBQAIKgIJ.ZZN9JQ", "..eJyrVkpUsjKsBQAIKgIJ.ZZN9JQ", "A.ZZN9JQ",
		"eyJh!!!!IjoxfQ==.ZZN9JQ", ".eJyrVkpUsjKsBQAIKgIJdHJhaWxpbmc.ZZN9JQ", "eyJhIjoi_yJ9.ZZN9JQ", "AAAA.____________",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s.LoadsAnyAge(text, new(any))
		signed := signer.Sign(text)
		raw, _, err := s.LoadsRaw(signed, time.Minute)
		class(t, err)
		if len(raw) > max(limit, len(text)) {
			t.Errorf("%d bytes from %d", len(raw), len(text))
		}
		var v any
		if _, loadErr := s.Loads(signed, &v, time.Minute); class(t, loadErr) == "" && err != nil {
			t.Errorf("loads, but not raw: %v", err)
		} else if loadErr == nil {
			var back any
			if _, err := s.Loads(must(s.Dumps(v)), &back, 0); err != nil {
				t.Errorf("what was loaded does not survive: %v", err)
			}
		}
		if got, _, err := s.LoadsRaw(s.DumpsRaw([]byte(text)), 0); err != nil || string(got) != text {
			t.Errorf("dumped and loaded: %q, %v", got, err)
		}
	})
}

func FuzzInflate(f *testing.F) {
	const limit = 5000
	for _, data := range [][]byte{
		nil, {0x78}, {0x78, 0x9c}, deflated(nil), deflated([]byte(`{"a":1}`)), deflated(make([]byte, limit)),
		deflated(make([]byte, limit+1)), append(deflated([]byte("x")), "more"...),
	} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := itsdangerous.Inflate(data, limit)
		if name := class(t, err); name != "" && name != "BadPayload" || len(got) > limit {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if len(data) <= limit {
			back, err := itsdangerous.Inflate(deflated(data), limit)
			if err != nil || !bytes.Equal(back, data) {
				t.Errorf("deflated and inflated: %v", err)
			}
		}
	})
}

// FuzzBase64 checks the lenient decoder against the strict one where that can
// read the text, and both against the encoder.
func FuzzBase64(f *testing.F) {
	for _, text := range []string{"", "A", "AA", "AA=", "AA==", "A=A", "eyJh!!!!IjoxfQ==", "+/-_", "AA==AA", "\r\nAA"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lenient, err := itsdangerous.DecodeLenient(text)
		fast, fastErr := itsdangerous.DecodeBase64(text)
		if (err == nil) != (fastErr == nil) || !bytes.Equal(lenient, fast) {
			t.Errorf("leniently %x, %v; else %x, %v", lenient, err, fast, fastErr)
		}
		if len(lenient) > len(text) {
			t.Errorf("%d bytes from %d", len(lenient), len(text))
		}
		encoded := base64.RawURLEncoding.EncodeToString([]byte(text))
		if back, err := itsdangerous.DecodeLenient(encoded); err != nil || string(back) != text {
			t.Errorf("encoded and decoded: %q, %v", back, err)
		}
	})
}
