package flask

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/taggedjson"
	"github.com/cloakroom/cloakroom/itsdangerous"
)

// cookieOptions are those of Flask's signed cookie.
var cookieOptions = itsdangerous.Options{Salt: "cookie-session", KeyDerivation: itsdangerous.DeriveHMAC}

// cookieValue finds the cookie in a line as people copy it: the value, with or
// without its name, or a whole Cookie or Set-Cookie header.
func cookieValue(line, name string) (string, error) {
	header, rest, isHeader := strings.Cut(line, ":")
	if h := strings.ToLower(strings.TrimSpace(header)); isHeader && (h == "cookie" || h == "set-cookie") {
		line = strings.TrimSpace(rest)
	} else {
		isHeader = false
	}
	var first, only string
	pairs := strings.Split(line, ";")
	for i, pair := range pairs {
		n, value := cutPair(strings.TrimSpace(pair), name)
		if n == name {
			return strings.Trim(value, `"`), nil
		}
		if i == 0 {
			first = n
			only = value
		}
	}
	if (isHeader || len(pairs) > 1) && first != "" {
		return "", fmt.Errorf("there is no cookie named %s in the line: SESSION_COOKIE_NAME may be another", name)
	}
	return strings.Trim(only, `"`), nil
}

// cookieLine finds the line with the cookie among those of a request or an
// answer, as curl -i shows it.
func cookieLine(text []byte, name string) ([]byte, bool) {
	if bytes.IndexByte(text, '\n') < 0 {
		return nil, false
	}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		header, _, _ := bytes.Cut(bytes.ToLower(line[:min(len(line), len("set-cookie:"))]), []byte(":"))
		if h := string(header); h != "cookie" && h != "set-cookie" {
			continue
		}
		if value, err := cookieValue(string(line), name); err == nil && value != "" {
			return line, true
		}
	}
	return nil, false
}

// cutPair splits a cookie into its name and its value. A value alone may have a
// "=" too, for padding, and has no name before it: its payload, timestamp and
// signature are parted by dots, and a deflated payload begins with one.
func cutPair(pair, name string) (n, value string) {
	n, value, found := strings.Cut(pair, "=")
	switch {
	case found && n == name:
		return n, value
	case !found, strings.Contains(n, "."), strings.Trim(value, "=") == "", value[0] == '=',
		value[0] == '.' && strings.Count(value, ".") < 3:
		return "", pair
	}
	return n, value
}

// cutLast cuts s around the last sep.
func cutLast(s string, sep byte) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// inspectCookie shows a cookie, whoever signed it.
func inspectCookie(value string, cfg *Config) (*Inspection, error) {
	payload, signed, ok := claimed(value)
	if !ok {
		return nil, errUnknown
	}
	record, err := unpack(payload)
	if err != nil {
		return nil, err
	}
	in := &Inspection{Kind: "Flask's session cookie", Signed: signed, Signature: SignatureUnchecked}
	if err := in.fill(record, taggedjson.Codec); err != nil {
		return nil, err
	}
	secrets := append([]Secret{cfg.SecretKey}, cfg.SecretKeyFallbacks...)
	for i, secret := range secrets {
		if len(secret) == 0 {
			continue
		}
		if in.Signature == SignatureUnchecked {
			in.Signature = SignatureBad
		}
		if signedBy(secret, value) {
			in.Signature, in.SignedBy = SignatureGood, "SECRET_KEY"
			if i > 0 {
				in.SignedBy = fmt.Sprintf("SECRET_KEY_FALLBACKS, entry %d", i-1)
			}
			break
		}
	}
	return in, nil
}

func signedBy(secret Secret, value string) bool {
	s, err := itsdangerous.NewTimestampSigner(itsdangerous.Secret(secret), cookieOptions)
	if err != nil {
		return false
	}
	_, _, err = s.UnsignAnyAge(value)
	return err == nil
}

// anySecret stands for the one that is not known.
var anySecret = itsdangerous.Secret("not a secret, it signs nothing that leaves")

// claimed takes a cookie apart without looking at the signature.
func claimed(value string) (payload string, signed time.Time, ok bool) {
	s, err := itsdangerous.NewTimestampSigner(anySecret, cookieOptions)
	if err != nil {
		return "", signed, false
	}
	_, _, err = s.UnsignAnyAge(value)
	e, isError := errors.AsType[*itsdangerous.Error](err)
	if !isError || !errors.Is(err, itsdangerous.ErrBadTimeSignature) { // no timestamp, say
		return "", signed, false
	}
	payload, ok = e.Payload()
	return payload, e.Date(), ok
}

// unpack decodes and inflates a payload as itsdangerous does, which only reads
// what is signed.
func unpack(payload string) ([]byte, error) {
	signer, err := itsdangerous.NewSigner(anySecret, cookieOptions)
	if err != nil {
		return nil, err
	}
	serializer, err := itsdangerous.NewURLSafeSerializer(anySecret, cookieOptions)
	if err != nil {
		return nil, err
	}
	data, err := serializer.LoadsRaw(signer.Sign(payload))
	switch {
	case errors.Is(err, itsdangerous.ErrTooLarge):
		return nil, fmt.Errorf("%w: the cookie inflates to more than %d bytes", codec.ErrLimit, itsdangerous.DefaultMaxInflated)
	case err != nil:
		return nil, fmt.Errorf("%w: the cookie is not what Flask writes: %w", codec.ErrMalformed, err)
	}
	return data, nil
}
