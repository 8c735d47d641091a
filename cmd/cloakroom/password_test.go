package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/store"
)

// Parts of passwords. They have no four letters in a row that any message has.
const (
	canaryHead = "Zq7xJv3g"
	canaryTail = "Kw9mXt4j"
)

// shapes are URLs and data sources with a password in them, PW. Nobody listens
// where they lead.
var shapes = []string{
	"SCHEME://user:PW@127.0.0.1:1/0", "SCHEME://user:PW@127.0.0.1:1/name?x=y", "SCHEME://:PW@127.0.0.1:1/0",
	"SCHEME://user:PW@/name", "SCHEME://user:PW@", "SCHEME://user:PW", "SCHEME://:PW", "SCHEME:user:PW@127.0.0.1:1/0",
	"SCHEME:/user:PW@127.0.0.1:1/0", "SCHEME:///user:PW@127.0.0.1:1/0", "SCHEME:user:PW", "SCHEME//user:PW@127.0.0.1/0", "//user:PW@127.0.0.1/0",
	"user:PW@127.0.0.1:1/0", "user:PW@tcp(127.0.0.1:1)/name", "host=127.0.0.1 port=1 user=user password=PW dbname=name", ":PW@127.0.0.1",
	"SCHEME://user:PW@127.0.0.1:port/0", "SCHEME://user:PW@127.0.0.1:1,127.0.0.1/0", "SCHEME://user:PW@127 .0.0.1/0", "SCHEME://user:PW@[::1/0",
	"SCHEME://user:PW@127.0.0.1:1/%zz", "SCHEME://user:PW@127.0.0.1:1/0?%zz", "SCHEME://user:PW@127.0.0.1:1/0#x", " SCHEME://user:PW@127.0.0.1:1/0",
	"SCHEME://user:PW@127.0.0.1:1/0?timeout=never&connect_timeout=never&sslmode=perhaps&tls=perhaps&authMechanism=none&layout=none",
	"SCHEME://127.0.0.1:1/0?password=PW", "SCHEME://127.0.0.1:1/0?user=user&password=PW&x=y", "SCHEME://127.0.0.1:1/0?sslpassword=PW",
	"SCHEME://127.0.0.1:1/0?sentinel_password=PW", "SCHEME://127.0.0.1:1/0?passwd=PW", "SCHEME://127.0.0.1:1/0?auth_token=PW",
	"SCHEME://user:x@127.0.0.1:1/?authMechanism=GSSAPI&authMechanismProperties=SERVICE_NAME:PW",
	"SCHEME://user:x@127.0.0.1:1/?authMechanismProperties=PW", "SCHEME://127.0.0.1:1/?tlsCertificateKeyFilePassword=PW&tlsCertificateKeyFile=/proc/none",
	"SCHEME://127.0.0.1:1/0?addr=user:PW@127.0.0.1:1", "SCHEME://Sessions?endpoint=http://user:PW@127.0.0.1:1&region=local",
	"SCHEME://key:PW@Sessions?endpoint=http://127.0.0.1:1&region=local", "SCHEME:///name?host=user:PW@127.0.0.1", "SCHEME://u@/name?socket=/user:PW@127.0.0.1",
	"SCHEME:/proc/none/x?password=PW", "SCHEME:/proc/none/x?PW", "SCHEME://user:PW@/proc/none/x", "SCHEME://user:PW@127.0.0.1/proc/none/x",
}

var schemes = []string{
	"redis", "rediss", "redis+unix", "redis+sentinel", "redis+cluster", "memcached", "memcached+unix", "mongodb", "mongodb+srv",
	"dynamodb", "postgres", "postgresql", "mysql", "mariadb", "sqlite", "file", "cachelib", "memory", "unknown", "postgresql+psycopg2",
}

// passwords are characters in the middle of one, each with a meaning somewhere.
var passwords = []string{
	"", "@", ":", "/", "?", "#", "%", "%zz", "%2", "%2F", "%40", " ", "\"", "'", "\n", "\r\n", "\t", "\x00", "\x7f", "&", "=", "&x", "=x", "&x=", ";", "+",
	"\\", "[", "]", "[]", "(", ")", "{}", "<>", "|", "^", "`", "~", "!", "$", "*", ",", ".", "ä", "\xff", "@/", "/@", "@?", "?@", "#@", "@@", "://", "//",
	"@x:1/", ":1/", ":1?", ":1#", "@host/", "@tcp(h)/", "'b", "%00", "%0a", "../", "?password=", "@x,", ",x:1/",
}

// A password that consists of a host and more, in a URL that says no host, makes a
// URL with another host. Nobody can tell.
var anotherURL = regexp.MustCompile(`@|^[0-9]`)

func FuzzNoErrorShowsAPassword(f *testing.F) {
	for _, middle := range passwords {
		f.Add(middle, uint8(0), uint16(0), true)
	}
	f.Fuzz(func(t *testing.T, middle string, scheme uint8, shape uint16, head bool) {
		password := middle + canaryTail
		if head {
			password = canaryHead + password
		}
		checkPassword(t, schemes[int(scheme)%len(schemes)], shapes[int(shape)%len(shapes)], password, middle)
	})
}

// A sample in which each shape, password and scheme comes several times.
func TestNoErrorShowsAPassword(t *testing.T) {
	for i, shape := range shapes {
		for j, middle := range passwords {
			if (i+j)%16 == 0 {
				checkPassword(t, schemes[(i*7+j)%len(schemes)], shape, canaryHead+middle+canaryTail, middle)
			}
		}
	}
	for i, scheme := range schemes {
		for j, middle := range passwords {
			if (i+j)%8 == 0 {
				checkPassword(t, scheme, shapes[(i*5+j)%len(shapes)], middle+canaryTail, middle)
			}
		}
	}
}

// notPasswords are URLs of files with a path, which may be shown. Opening them
// would make the files, too.
var notPasswords = regexp.MustCompile(`^ ?(file|cachelib|sqlite):($|/[^/]|[^/]|///)`)

func checkPassword(t *testing.T, scheme, shape, password, middle string) {
	t.Helper()
	noHost := strings.HasSuffix(shape, "PW")
	if noHost && anotherURL.MatchString(middle) || strings.Contains(shape, "?") && regexp.MustCompile(`&[\w.-]+=`).MatchString(middle) {
		return
	}
	raw := strings.ReplaceAll(strings.ReplaceAll(shape, "SCHEME", scheme), "PW", password)
	if notPasswords.MatchString(raw) && !strings.Contains(raw, "/proc/none") {
		return
	}
	for where, text := range everyText(t, raw) {
		if piece := shows(text); piece != "" {
			t.Errorf("%s of %q shows %q: %s", where, raw, piece, text)
		}
	}
}

// everyText is what the openers, Flask's configuration and the tool say about a
// URL.
func everyText(t *testing.T, raw string) map[string]string {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	texts := map[string]string{}
	s, err := openers().Open(ctx, raw)
	note(texts, "Openers.Open", s, err)
	if u, err := url.Parse(raw); err == nil && openers()[u.Scheme] != nil {
		s, err := openers()[u.Scheme](ctx, u)
		note(texts, "its opener", s, err)
	}
	for kind, key := range map[string]string{
		"redis": "SESSION_REDIS", "memcached": "SESSION_MEMCACHED", "mongodb": "SESSION_MONGODB", "cachelib": "SESSION_CACHELIB",
		"postgresql": "SESSION_POSTGRESQL", "dynamodb": "SESSION_DYNAMODB", "sqlalchemy": "SQLALCHEMY_DATABASE_URI",
	} {
		cfg, err := flask.Load(flask.FromMap(map[string]any{
			"SESSION_TYPE": kind, key: raw, "SECRET_KEY": "a key that is long enough",
		}))
		texts["configuration "+key] = fmt.Sprintf("%v %+v %#v %s %q %v", cfg, cfg, cfg, cfg.Client(), cfg.Client(), cfg.Warnings)
		if note(texts, "errors of "+key, nil, err); err == nil && strings.HasPrefix(raw, kind[:5]) && !notPasswords.MatchString(raw) {
			s, err := flask.OpenStore(ctx, cfg, openers())
			note(texts, "OpenStore on "+key, s, err)
		}
	}
	if !strings.HasPrefix(raw, "file:/proc") { // for the demo a directory, whatever its name
		p, err := openPlace(ctx, openers(), raw, "")
		if note(texts, "demo --store", nil, err); err == nil {
			texts["demo"] = fmt.Sprint(p.forOperator, p.forVisitor, p.notes, p.afterwards)
			p.close()
		}
	}
	for _, args := range [][]string{{"cleanup", raw}, {"migrate", raw, "memory:"}, {"cleanup", "memory:", raw}, {raw}, {"cleanup", "@" + raw}} {
		var out bytes.Buffer
		if strings.Contains(raw, "\x00") {
			continue // no argument has one
		}
		run(ctx, args, streams{&out, &out})
		texts[strings.Join(args[:1], " ")+fmt.Sprint(len(args))] = out.String()
	}
	return texts
}

func note(texts map[string]string, where string, s store.Store, err error) {
	if s != nil {
		texts[where+", the store"] = fmt.Sprintf("%v %+v %s", s, s, s)
		_ = store.Close(s)
	}
	for i := 0; err != nil && i < 100; i++ {
		texts[fmt.Sprintf("%s, error %d", where, i)] = fmt.Sprintf("%v\n%+v\n%q\n%s", err, err, err, store.Advice(err))
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for j, e := range joined.Unwrap() {
				note(texts, fmt.Sprintf("%s, error %d.%d", where, i, j), nil, e)
			}
			return
		}
		err = errors.Unwrap(err)
	}
}

// shows returns the first piece of four bytes of a canary in text, in any case and
// escaping.
func shows(text string) string {
	text = strings.ToLower(text)
	if plain, err := url.PathUnescape(text); err == nil {
		text += plain
	}
	for _, canary := range []string{canaryHead, canaryTail} {
		for i := 0; i+4 <= len(canary); i++ {
			if piece := strings.ToLower(canary[i : i+4]); strings.Contains(text, piece) {
				return piece
			}
		}
	}
	return ""
}
