package itsdangerous_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/itsdangerous"
)

// A Signer is for short values that are text already, such as an ID.
func ExampleSigner() {
	s, err := itsdangerous.NewSigner(itsdangerous.Secret("a long random secret"), itsdangerous.Options{
		Salt: "user-id", // one for each purpose
	})
	if err != nil {
		panic(err)
	}
	signed := s.Sign("4711")
	fmt.Println(signed)

	id, err := s.Unsign(signed)
	fmt.Println(id, err)
	_, err = s.Unsign("4712" + signed[4:])
	fmt.Println(err)
	// Output:
	// 4711.XrjFOasUJN3Vq-er30K762DTdys
	// 4711 <nil>
	// itsdangerous: unsign: the signature does not match
}

// A URL-safe timed serializer is for links in mails: any value, with an end.
func ExampleTimedSerializer() {
	clock := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	links, err := itsdangerous.NewURLSafeTimedSerializer(itsdangerous.Secret("a long random secret"), itsdangerous.Options{
		Salt:   "password-reset",
		Digest: sha256.New,
		Now:    func() time.Time { return clock },
	})
	if err != nil {
		panic(err)
	}
	type reset struct {
		User string `json:"user"`
	}
	token, err := links.Dumps(reset{"ada"})
	if err != nil {
		panic(err)
	}

	clock = clock.Add(2 * time.Hour)
	var r reset
	_, err = links.Loads(token, &r, time.Hour)
	var bad *itsdangerous.Error
	switch {
	case errors.Is(err, itsdangerous.ErrSignatureExpired) && errors.As(err, &bad):
		fmt.Println("this link was of", bad.Date().Format(time.DateTime))
	case errors.Is(err, itsdangerous.ErrBadSignature):
		fmt.Println("this link is not from here")
	case errors.Is(err, itsdangerous.ErrBadPayload):
		fmt.Println("this link is of another version")
	default:
		fmt.Println("hello", r.User)
	}
	// Output: this link was of 2024-01-02 03:04:05
}

// Flask's session cookie, without its tagged JSON.
func ExampleNewURLSafeTimedSerializer() {
	cookies, err := itsdangerous.NewURLSafeTimedSerializer(itsdangerous.Secret("not-a-real-key"), itsdangerous.Options{
		Salt:          "cookie-session",
		KeyDerivation: itsdangerous.DeriveHMAC,
		Now:           func() time.Time { return time.Unix(1704164645, 0) },
	})
	if err != nil {
		panic(err)
	}
	var session map[string]any
	date, err := cookies.Loads("eyJuIjoxLCJ1c2VyIjoiYWRhIn0.ZZN9JQ.45btcjH0g2labcPLKal7549G3wo", &session, 31*24*time.Hour)
	fmt.Println(session["user"], date, err)
	// Output: ada 2024-01-02 03:04:05 +0000 UTC <nil>
}

// To change the secret, append the new one and keep the old one for as long
// as its signatures may be around.
func ExampleSecret() {
	before, err := itsdangerous.NewSigner(itsdangerous.Secret("old secret"), itsdangerous.Options{})
	if err != nil {
		panic(err)
	}
	after, err := itsdangerous.NewSigner(itsdangerous.Secret("old secret", "new secret"), itsdangerous.Options{})
	if err != nil {
		panic(err)
	}
	value, err := after.Unsign(before.Sign("hello"))
	fmt.Println(value, err)
	_, err = before.Unsign(after.Sign("hello"))
	fmt.Println(errors.Is(err, itsdangerous.ErrBadSignature))
	// Output:
	// hello <nil>
	// true
}
