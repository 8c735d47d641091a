package flask

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/store"
)

// checker collects what is wrong with a Config as a whole. Keys that have been
// refused already are not complained about again.
type checker struct {
	config   *Config
	refused  map[string]bool
	problems []error
}

func (c *Config) check(refused map[string]bool) []error {
	k := &checker{config: c, refused: refused}
	k.checkCookie()
	k.checkRecords()
	k.checkBackend()
	k.checkSecrets()
	c.Warnings = nil
	if len(k.problems) == 0 {
		c.Warnings = c.warn()
	}
	return k.problems
}

func (k *checker) fail(key, format string, args ...any) {
	k.report(key, problemf(format, args...))
}

func (k *checker) report(key string, err error) {
	if err != nil && !k.refused[key] {
		k.problems = append(k.problems, keyByName[key].failed(k.config.origins[key], err))
	}
}

func (k *checker) checkCookie() {
	c := k.config
	k.report("PERMANENT_SESSION_LIFETIME", checkLifetime(c.Lifetime))
	k.report("SESSION_COOKIE_SAMESITE", checkSameSite(c.CookieSameSite))
	if (&http.Cookie{Name: c.CookieName, Value: "x"}).Valid() != nil {
		k.fail("SESSION_COOKIE_NAME", "is no name that a cookie may have")
	}
	k.checkDomain("SESSION_COOKIE_DOMAIN", c.CookieDomain)
	if !strings.HasPrefix(c.ServerName, "[") { // an IPv6 address makes no domain
		k.checkDomain("SERVER_NAME", c.ServerName)
	}
	if c.HostOnly && c.CookieDomain != "" {
		k.fail("SESSION_COOKIE_DOMAIN", "is given and switched off with HostOnly")
	}
	k.checkPath("SESSION_COOKIE_PATH", c.CookiePath, c.CookiePath == "")
	k.checkPath("APPLICATION_ROOT", c.ApplicationRoot, false)
	k.checkNamePrefix()
}

func (k *checker) checkDomain(key, domain string) {
	ascii, err := asciiDomain(strings.TrimLeft(domain, "."))
	if err == nil && ascii == "" && domain != "" {
		err = errDomain
	}
	if err != nil {
		k.fail(key, "%v: letters, digits, hyphens and dots, international names as xn--…", err)
	}
}

func (k *checker) checkPath(key, path string, optional bool) {
	if !optional && (!strings.HasPrefix(path, "/") || !utf8.ValidString(path)) {
		k.fail(key, "does not begin with a slash, or is not UTF-8")
	}
}

// checkNamePrefix refuses what no browser would take: the cookie would be
// dropped without a word.
func (k *checker) checkNamePrefix() {
	c := k.config
	lower := strings.ToLower(c.CookieName)
	host := strings.HasPrefix(lower, "__host-")
	if !host && !strings.HasPrefix(lower, "__secure-") {
		return
	}
	const key = "SESSION_COOKIE_NAME"
	if !c.CookieSecure && !(c.CookiePartitioned && c.Type == TypeCookie) {
		k.fail(key, "has a prefix that browsers refuse without SESSION_COOKIE_SECURE")
	}
	if host && c.Domain() != "" {
		k.fail(key, "has the prefix __Host-, which browsers refuse with SESSION_COOKIE_DOMAIN")
	}
	if host && c.rawPath() != "/" {
		k.fail(key, "has the prefix __Host-, which browsers refuse with a path other than /")
	}
}

func (k *checker) checkRecords() {
	c := k.config
	if c.Type != TypeCookie && !slices.Contains(typeNames, string(c.Type)) {
		k.fail("SESSION_TYPE", "is none of %s", strings.Join(typeNames, ", "))
	}
	if !slices.Contains(formatNames, string(c.Format)) {
		k.fail("SESSION_SERIALIZATION_FORMAT", "is none of %s", strings.Join(formatNames, ", "))
	}
	if c.KeyPrefix != "" {
		if err := store.CheckKey(c.KeyPrefix); err != nil {
			k.fail("SESSION_KEY_PREFIX", "%v", err)
		}
	}
	k.checkIDLength()
	if c.CleanupRequests < 0 {
		k.fail("SESSION_CLEANUP_N_REQUESTS", "is negative")
	}
	if c.FileThreshold < 0 {
		k.fail("SESSION_FILE_THRESHOLD", "is negative; 0 means no limit")
	}
	k.report("SESSION_FILE_MODE", c.checkFileMode())
}

// checkFileMode refuses what cachelibstore would refuse.
func (c *Config) checkFileMode() error {
	err := checkMode(int64(c.FileMode))
	if err == nil && c.Type == TypeFileSystem && c.FileMode&0o113 != 0 {
		err = problemf("is 0o%o: a session is no program, and not for everybody to change; write \"0600\", or \"0660\" for a group", c.FileMode)
	}
	return err
}

func (k *checker) checkIDLength() {
	c := k.config
	least := 16 // bytes; OWASP ASVS 5.0, 7.2.3
	if c.InsecureSecrets {
		least = 1
	}
	switch characters := (c.IDLength*4 + 2) / 3; {
	case c.IDLength < least:
		k.fail("SESSION_ID_LENGTH", "is less than %d bytes: IDs could be guessed", least)
	case c.IDLength > 128:
		k.fail("SESSION_ID_LENGTH", "is more than 128 bytes")
	case len(c.KeyPrefix)+characters > store.MaxKey:
		k.fail("SESSION_KEY_PREFIX", "and an ID have %d bytes together, more than the %d that every store takes",
			len(c.KeyPrefix)+characters, store.MaxKey)
	}
}

// warn says what has no effect, or not the one that it may be meant to have.
func (c *Config) warn() []string {
	var w []string
	for _, key := range configKeys {
		if origin, ok := c.origins[key.name]; ok && c.useless(key.name) {
			w = append(w, fmt.Sprintf("%s (%s) has no effect while SESSION_TYPE is %s", key.name, origin, c.Type.shown()))
		}
	}
	if c.CookieSameSite == http.SameSiteNoneMode && !c.CookieSecure {
		w = append(w, "SESSION_COOKIE_SAMESITE is None without SESSION_COOKIE_SECURE: most browsers drop the cookie")
	}
	if len(c.SecretKeyFallbacks) > 0 && c.UseSigner && c.Type != TypeCookie {
		w = append(w, "SECRET_KEY_FALLBACKS does not hold for IDs signed by SESSION_USE_SIGNER")
	}
	if c.Type == TypeFileSystem && c.FileMode&0o077 != 0 {
		w = append(w, fmt.Sprintf("SESSION_FILE_MODE 0%o lets others on this machine at the sessions", c.FileMode))
	}
	return w
}

func (t Type) shown() string {
	if t == TypeCookie {
		return "not set: sessions are in the cookie, for their visitors to read"
	}
	return string(t)
}

// useless reports whether a key means nothing to the Type of c.
func (c *Config) useless(key string) bool {
	switch key {
	case "SESSION_COOKIE_PARTITIONED":
		return c.CookiePartitioned && c.Type != TypeCookie
	case "SESSION_CLEANUP_N_REQUESTS":
		return c.CleanupRequests > 0 && c.Type != TypeSQLAlchemy && c.Type != TypePostgreSQL
	case "SESSION_SERIALIZATION_FORMAT":
		return slices.Contains([]Type{TypeCookie, TypeNull, TypeFileSystem, TypeCacheLib}, c.Type)
	case "SESSION_PERMANENT", "SESSION_USE_SIGNER", "SESSION_KEY_PREFIX", "SESSION_ID_LENGTH":
		return c.Type == TypeCookie || c.Type == TypeNull
	}
	for _, b := range backends {
		if strings.HasPrefix(key, b.client) || b.kind == TypeFileSystem && strings.HasPrefix(key, "SESSION_FILE_") {
			return c.Type != b.kind
		}
	}
	return false
}
