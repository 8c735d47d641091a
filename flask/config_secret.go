package flask

import (
	"bytes"
	"slices"
)

const minSecret = 16 // bytes; package itsdangerous says the same

// Well-known are the secrets of Flask's own documentation, and all that have
// one of these words in them, which random text does not.
var (
	documentedSecrets = []string{
		"192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
		"5f352379324c22463451387a0aec5d2f",
		"_5#y2L\"F4Q8z\n\xec]/",
		`_5#y2L"F4Q8z\n\xec]/`,
	}
	guessableWords = []string{
		"secret", "password", "changeme", "change-me", "change_me", "change this", "change-this", "change_this",
		"replace", "your-key", "your_key", "default", "development", "dev-key", "dev_key", "insecure", "example", "placeholder",
		"0123456789", "1234567890", "abcdefgh", "qwertyuiop",
	}
)

// weakness says why a secret can be guessed; "" if it seems not.
func weakness(s Secret) string {
	if len(s) < minSecret {
		return "is shorter than 16 bytes"
	}
	if slices.Contains(documentedSecrets, string(s)) {
		return "is the one in Flask's documentation"
	}
	lower := bytes.ToLower(s)
	for _, word := range guessableWords {
		if bytes.Contains(lower, []byte(word)) {
			return "has a word in it that published secrets have"
		}
	}
	var seen [256]bool
	kinds := 0
	for _, b := range s {
		if !seen[b] {
			seen[b] = true
			kinds++
		}
	}
	if kinds < 5 { // of 16 random hexadecimal digits less than once in a million times
		return "is monotonous"
	}
	return ""
}

const newSecret = `; python3 -c "import secrets; print(secrets.token_hex())" makes a good one, and InsecureSecrets takes any`

// checkSecrets looks at secrets only if they sign something.
func (k *checker) checkSecrets() {
	c := k.config
	fallbacks := c.SecretKeyFallbacks
	switch {
	case c.Type == TypeCookie:
	case c.UseSigner && c.Type != TypeNull:
		fallbacks = nil
	default:
		return
	}
	switch _, given := c.origins["SECRET_KEY"]; {
	case len(c.SecretKey) == 0 && given:
		k.fail("SECRET_KEY", "is empty")
	case len(c.SecretKey) == 0 && c.Type == TypeCookie:
		k.fail("SECRET_KEY", "is missing: Flask's own cookie needs one; for Flask's null session, set SESSION_TYPE to \"null\"")
	case len(c.SecretKey) == 0:
		k.fail("SECRET_KEY", "is missing: SESSION_USE_SIGNER needs one")
	default:
		if weak := weakness(c.SecretKey); weak != "" && !c.InsecureSecrets {
			k.fail("SECRET_KEY", "%s%s", weak, newSecret)
		}
	}
	for i, s := range fallbacks {
		if len(s) == 0 {
			k.fail("SECRET_KEY_FALLBACKS", "entry %d is empty", i)
		} else if weak := weakness(s); weak != "" && !c.InsecureSecrets {
			k.fail("SECRET_KEY_FALLBACKS", "entry %d %s: whoever guesses it can sign, too; leave it out, or set InsecureSecrets", i, weak)
		}
	}
}
