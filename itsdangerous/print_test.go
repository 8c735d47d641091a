package itsdangerous_test

import (
	"testing"

	"github.com/cloakroom/cloakroom/internal/printtest"
	"github.com/cloakroom/cloakroom/itsdangerous"
)

func TestSignersPrintNoSecrets(t *testing.T) {
	const secret = "canary of a secret key"
	secrets := itsdangerous.Secret(secret)
	printtest.SilentWhereReached(t, "Secrets", secrets, secret)
	o := itsdangerous.Options{KeyDerivation: itsdangerous.DeriveNone}
	signer, err := itsdangerous.NewSigner(secrets, o)
	if err != nil {
		t.Fatal(err)
	}
	serializer, err := itsdangerous.NewSerializer(secrets, o)
	if err != nil {
		t.Fatal(err)
	}
	timed, err := itsdangerous.NewTimedSerializer(secrets, o)
	if err != nil {
		t.Fatal(err)
	}
	signer.Sign("used once")
	printtest.Silent(t, "*Signer", signer, secret)
	printtest.Silent(t, "*Serializer", serializer, secret)
	printtest.Silent(t, "*TimedSerializer", timed, secret)
}
