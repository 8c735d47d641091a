package flask_test

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/itsdangerous"
)

const secret = "a key for the tests, of 32 bytes"

// One visitor goes back and forth between a Go server and a real Flask
// application that share its session, in random steps. After each, both must
// see the same, and what was done.
func TestGoAndFlaskShareSessions(t *testing.T) {
	t.Run("Flask's own cookie", func(t *testing.T) {
		f := newFleet(t, map[string]any{"SECRET_KEY": secret}, nil, nil)
		alternate(t, f, 500, f.ageCookie)
	})
	for _, test := range []struct {
		name  string
		steps int
		more  map[string]any
	}{
		{"files of Flask-Session", 500, nil},
		{"files of Flask-Session, signed IDs", 100, map[string]any{"SESSION_USE_SIGNER": true}},
		{"files of Flask-Session, not permanent", 100, map[string]any{"SESSION_PERMANENT": false}},
		{"files of Flask-Session, other names", 100, map[string]any{
			"SESSION_KEY_PREFIX": "app/", "SESSION_COOKIE_NAME": "app", "SESSION_FILE_MODE": 0o660, "SESSION_FILE_THRESHOLD": 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := map[string]any{"SECRET_KEY": secret, "SESSION_TYPE": "filesystem", "SESSION_FILE_DIR": t.TempDir()}
			maps.Copy(config, test.more)
			f := newFleet(t, config, nil, nil)
			alternate(t, f, test.steps, func(t *testing.T) { f.ageFile(t) })
		})
	}
}

// seed returns that of CLOAKROOM_SEED, or a new one, and says which.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := rand.Uint64()
	if text := os.Getenv("CLOAKROOM_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("to repeat: CLOAKROOM_SEED=%d", n)
	return n
}

// model is what the session should hold: values as both servers show them.
type model struct {
	values  map[string]string
	list    []string // the value that grows
	flashes [][2]string
}

const growing = "list"

func (m *model) clear() { *m = model{values: map[string]string{}} }

func (m *model) show() string {
	all := maps.Clone(m.values)
	if m.list != nil {
		all[growing] = "[" + strings.Join(m.list, ",") + "]"
	}
	if len(m.flashes) > 0 {
		pairs := []string{}
		for _, f := range m.flashes {
			pairs = append(pairs, "("+quote(f[0])+","+quote(f[1])+")")
		}
		all["_flashes"] = "[" + strings.Join(pairs, ",") + "]"
	}
	parts := []string{}
	for _, k := range slices.SortedFunc(maps.Keys(all), byCodePoint) {
		parts = append(parts, quote(k)+":"+all[k])
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// apply does a step, and returns what doing it should show.
func (m *model) apply(st step) string {
	switch st.Op {
	case "set":
		m.values[st.Key] = show(build(st.Value))
	case "append":
		m.list = append(m.list, show(build(st.Value)))
	case "pop":
		return m.pop(st.Key)
	case "flash":
		m.flashes = append(m.flashes, [2]string{st.Category, st.Message})
	case "flashes":
		pairs := []string{}
		for _, f := range m.flashes {
			pairs = append(pairs, "["+quote(f[0])+","+quote(f[1])+"]")
		}
		m.flashes = nil
		return "[" + strings.Join(pairs, ",") + "]"
	case "clear", "destroy":
		m.clear()
	}
	return ""
}

func (m *model) pop(key string) string {
	if key == growing {
		defer func() { m.list = nil }()
		if m.list != nil {
			return "[" + strings.Join(m.list, ",") + "]"
		}
		return "null"
	}
	defer delete(m.values, key)
	if v, ok := m.values[key]; ok {
		return v
	}
	return "null"
}

func alternate(t *testing.T, f *fleet, rounds int, expire func(t *testing.T)) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed(t), 0))
	var m model
	m.clear()
	for round := range rounds {
		if r.IntN(30) == 0 && f.cookie() != "" {
			expire(t)
			m.clear()
		}
		toFlask := r.IntN(2) == 0
		steps := randomSteps(r, toFlask)
		if f.onlyPermanent && slices.ContainsFunc(steps, func(st step) bool { return st.Op == "permanent" || st.Op == "clear" && len(steps) > 1 }) {
			continue
		}
		want := []string{}
		for _, st := range steps {
			want = append(want, m.apply(st))
		}
		did := f.do(t, toFlask, steps...)
		if !slices.Equal(did.Saw, want) {
			t.Fatalf("round %d, Flask %t: %+v saw %q, want %q", round, toFlask, steps, did.Saw, want)
		}
		first := r.IntN(2) == 0
		one, other := f.do(t, first), f.do(t, !first)
		if got := one.Session; got != m.show() {
			t.Fatalf("round %d, after %+v (Flask %t): Flask %t sees\n%s, want\n%s", round, steps, toFlask, first, got, m.show())
		}
		if one.Session != other.Session || one.Permanent != other.Permanent {
			t.Fatalf("round %d, after %+v (Flask %t): Flask %t sees\n%v, Flask %t\n%v", round, steps, toFlask, first, one, !first, other)
		}
	}
}

// randomSteps returns what one request does.
func randomSteps(r *rand.Rand, toFlask bool) []step {
	key := fmt.Sprint("key ", r.IntN(5), "é"[:2*r.IntN(2)])
	switch n := r.IntN(20); {
	case n < 7:
		return []step{{Op: "set", Key: key, Value: randomValue(r, 3)}}
	case n < 9:
		return []step{{Op: "pop", Key: key}}
	case n < 11:
		return []step{{Op: "append", Key: growing, Value: randomValue(r, 1)}}
	case n < 12:
		return []step{{Op: "pop", Key: growing}}
	case n < 14:
		return []step{{Op: "flash", Message: randomText(r), Category: "cat" + randomText(r)}}
	case n < 15:
		return []step{{Op: "flash", Message: randomText(r), Category: "message"}, {Op: "set", Key: key, Value: randomValue(r, 1)}}
	case n < 17:
		return []step{{Op: "flashes"}}
	case n < 18:
		return []step{{Op: "permanent", Permanent: r.IntN(2) == 0}, {Op: "set", Key: key, Value: randomValue(r, 1)}}
	case n < 19:
		return []step{{Op: "clear"}}
	case toFlask:
		return []step{{Op: "clear"}, {Op: "set", Key: key, Value: randomValue(r, 2)}}
	default:
		return [][]step{{{Op: "regenerate"}}, {{Op: "destroy"}}}[r.IntN(2)]
	}
}

// ageCookie makes the browser's cookie one that was signed too long ago.
func (f *fleet) ageCookie(t *testing.T) {
	t.Helper()
	options := itsdangerous.Options{Salt: "cookie-session", KeyDerivation: itsdangerous.DeriveHMAC}
	now, err := itsdangerous.NewURLSafeTimedSerializer(itsdangerous.Secret(secret), options)
	if err != nil {
		t.Fatal(err)
	}
	options.Now = func() time.Time { return time.Now().Add(-f.config.Lifetime - 2*time.Second) }
	then, err := itsdangerous.NewURLSafeTimedSerializer(itsdangerous.Secret(secret), options)
	if err != nil {
		t.Fatal(err)
	}
	data, _, err := now.LoadsRawAnyAge(f.cookie())
	if err != nil {
		t.Fatal(err)
	}
	f.setCookie(then.DumpsRaw(data))
}

// ageFile makes the record of the browser's cookie one that has expired.
func (f *fleet) ageFile(t *testing.T) {
	t.Helper()
	id, _, _ := strings.Cut(f.cookie(), ".")
	sum := md5.Sum([]byte(f.config.KeyPrefix + id))
	name := filepath.Join(f.config.FileDir, hex.EncodeToString(sum[:]))
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	binary.NativeEndian.PutUint32(data, uint32(time.Now().Add(-2*time.Second).Unix()))
	if err := os.WriteFile(name, data, f.config.FileMode); err != nil {
		t.Fatal(err)
	}
}
