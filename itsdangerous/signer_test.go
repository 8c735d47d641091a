package itsdangerous_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/itsdangerous"
)

func TestOptionsAreChecked(t *testing.T) {
	type opts = itsdangerous.Options
	dev := itsdangerous.Secret("dev")
	for name, c := range map[string]struct {
		secrets itsdangerous.Secrets
		o       opts
		want    string // part of the error, or empty
	}{
		"zero options":             {dev, opts{}, ""},
		"no secrets":               {nil, opts{}, "no secret"},
		"an empty secret":          {itsdangerous.Secret("old", ""), opts{}, "secret 2 of 2 is empty"},
		"both salt and none":       {dev, opts{Salt: "x", NoSalt: true}, "NoSalt"},
		"unknown derivation":       {dev, opts{KeyDerivation: "md5"}, "key derivation"},
		"separator of letters":     {dev, opts{Separator: "ab"}, "Separator"},
		"separator out of order":   {dev, opts{Separator: "ba"}, "Separator"},
		"separator dash":           {dev, opts{Separator: "-"}, "Separator"},
		"separator equals sign":    {dev, opts{Separator: "="}, "Separator"},
		"separator not in ASCII":   {dev, opts{Separator: "\u00e9"}, ""},
		"separator with a letter":  {dev, opts{Separator: "a."}, ""},
		"a limit below zero":       {dev, opts{MaxInflated: -1}, "MaxInflated"},
		"every derivation by name": {dev, opts{KeyDerivation: itsdangerous.DeriveNone}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := itsdangerous.NewURLSafeTimedSerializer(c.secrets, c.o)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	for name, o := range map[string]opts{"codec": {Codec: opaque{}}, "limit": {MaxInflated: 5}} {
		if _, err := itsdangerous.NewSigner(dev, o); err == nil {
			t.Errorf("a signer took a %s", name)
		}
	}
}

func TestSaltDefaultsDifferByClass(t *testing.T) {
	dev := itsdangerous.Secret("dev")
	def := must(itsdangerous.NewSigner(dev, itsdangerous.Options{}))
	named := must(itsdangerous.NewSigner(dev, itsdangerous.Options{Salt: "itsdangerous.Signer"}))
	if got, want := def.Sign("x"), named.Sign("x"); got != want {
		t.Errorf("signer: got %q, want %q", got, want)
	}
	ser := must(itsdangerous.NewSerializer(dev, itsdangerous.Options{}))
	signer := must(itsdangerous.NewSigner(dev, itsdangerous.Options{Salt: "itsdangerous"}))
	if got, want := must(ser.Dumps(1)), signer.Sign("1"); got != want {
		t.Errorf("serializer: got %q, want %q", got, want)
	}
	none := must(itsdangerous.NewSigner(dev, itsdangerous.Options{NoSalt: true}))
	if none.Sign("x") == def.Sign("x") {
		t.Error("NoSalt means the default salt")
	}
}

func TestNewestSecretSignsAndAllVerify(t *testing.T) {
	signers := map[string]*itsdangerous.Signer{}
	for _, secret := range []string{"old", "new", "other"} {
		signers[secret] = must(itsdangerous.NewSigner(itsdangerous.Secret(secret), itsdangerous.Options{}))
	}
	rotating := must(itsdangerous.NewSigner(itsdangerous.Secret("old", "new"), itsdangerous.Options{}))
	if got, want := rotating.Sign("x"), signers["new"].Sign("x"); got != want {
		t.Errorf("signed %q, want %q", got, want)
	}
	for secret, want := range map[string]bool{"old": true, "new": true, "other": false} {
		if _, err := rotating.Unsign(signers[secret].Sign("x")); (err == nil) != want {
			t.Errorf("signed with %s: %v, want ok %v", secret, err, want)
		}
	}
}

func TestLaterChangesToSecretsDoNotMatter(t *testing.T) {
	for _, derivation := range []itsdangerous.KeyDerivation{itsdangerous.DeriveNone, itsdangerous.DeriveHMAC} {
		secrets := itsdangerous.Secret([]byte("secret"))
		s := must(itsdangerous.NewSigner(secrets, itsdangerous.Options{KeyDerivation: derivation}))
		want := s.Sign("x")
		clear(secrets[0])
		runtime.GC() // twice, so that the next signature needs a newly keyed state
		runtime.GC()
		if got := s.Sign("x"); got != want {
			t.Errorf("%s: got %q, want %q", derivation, got, want)
		}
	}
}

func TestEverySpellingButOneIsRefused(t *testing.T) {
	s := must(itsdangerous.NewSigner(itsdangerous.Secret("dev"), itsdangerous.Options{Digest: sha256.New}))
	signed := s.Sign("value")
	for i := range len(signed) {
		for c := range 256 {
			b := []byte(signed)
			b[i] = byte(c)
			if _, err := s.Unsign(string(b)); (err == nil) != (string(b) == signed) {
				t.Fatalf("byte %d as %#x: %v", i, c, err)
			}
		}
		if _, err := s.Unsign(signed[:i]); err == nil {
			t.Errorf("accepted the first %d bytes", i)
		}
	}
	for _, more := range []string{"=", "A", ".", "\n", "\x00"} {
		if _, err := s.Unsign(signed + more); err == nil {
			t.Errorf("accepted with %q at the end", more)
		}
	}
}

func TestLongValuesAreSignedWhole(t *testing.T) {
	s := must(itsdangerous.NewSigner(itsdangerous.Secret("dev"), itsdangerous.Options{}))
	for _, n := range []int{511, 512, 513, 1024, 5000} {
		value := strings.Repeat("x", n)
		signed := s.Sign(value)
		if got, err := s.Unsign(signed); err != nil || got != value {
			t.Errorf("%d bytes: %v", n, err)
		}
		for _, i := range []int{0, n / 2, n - 1} {
			if _, err := s.Unsign(signed[:i] + "y" + signed[i+1:]); err == nil {
				t.Errorf("%d bytes: byte %d does not count", n, i)
			}
		}
	}
}

func TestSignerError(t *testing.T) {
	s := must(itsdangerous.NewSigner(itsdangerous.Secret("dev"), itsdangerous.Options{}))
	_, err := s.Unsign("confidential.AAAA")
	e, ok := errors.AsType[*itsdangerous.Error](err)
	if !ok || e.Verified() || !e.Date().IsZero() {
		t.Fatalf("got %#v", err)
	}
	if p, ok := e.Payload(); !ok || p != "confidential" {
		t.Errorf("payload %q, %v", p, ok)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, err); strings.Contains(text, "confidential") {
			t.Errorf("%s prints the payload: %s", verb, text)
		}
	}
	_, err = s.Unsign("plain")
	if e, _ := errors.AsType[*itsdangerous.Error](err); e == nil {
		t.Errorf("got %v", err)
	} else if _, ok := e.Payload(); ok {
		t.Error("a text without separator has a payload")
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	secrets := itsdangerous.Secret("topsecret")
	signer := must(itsdangerous.NewSigner(secrets, itsdangerous.Options{KeyDerivation: itsdangerous.DeriveNone}))
	timed := must(itsdangerous.NewURLSafeTimedSerializer(secrets, itsdangerous.Options{KeyDerivation: itsdangerous.DeriveNone}))
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secrets", secrets, "signer", signer, "timed", timed)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secrets", secrets, "signer", signer, "timed", timed)
	texts := []string{log.String(), string(must(json.Marshal(secrets)))}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, secrets), fmt.Sprintf(verb, signer), fmt.Sprintf(verb, timed))
	}
	for _, text := range texts {
		for _, form := range []string{"topsecret", "746f70736563726574", "116 111 112", "0x74, 0x6f", "dG9wc2VjcmV0"} {
			if strings.Contains(text, form) {
				t.Errorf("prints the secret: %s", text)
			}
		}
	}
}
