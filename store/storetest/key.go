package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func keyCases() []testCase {
	return []testCase{
		{name: "every printable byte", run: keyPrintable,
			rule: "every key that CheckKey accepts names a record of its own"},
		{name: "case", run: keyNames("abc", "ABC", "Abc", "aBC", "k", "K"),
			rule: "two keys that differ by case never name the same record"},
		{name: "trailing characters", run: keyNames("x", "x.", "x..", "x_", "x-", "x~", "x/", "x//", `x\`, "x:", "x%", "x%20", "x+", "x;", "x#", "x?"),
			rule: "two keys never name the same record because something at the end is dropped"},
		{name: "paths", run: keyNames("../x", "x", "a/../x", "./x", "/x", "//x", `\x`, `..\x`, `a\..\x`, "a", "a/b", "a/b/c", `a\b`, "a/", "a/.", "x/..", "~/x", "a.lock", "a.tmp", "a.old"),
			rule: "a key is a name, never a path"},
		{name: "escapes", run: keyNames("A", "%41", "%2541", "&#65;", `\x41`, `\u0041`, "=41", "+AEE-", "%", "%%", "%2F", "/", "%2f", "%00", `\0`),
			rule: "a key that looks escaped names no other record"},
		{name: "wildcards and quotes", run: keyNames("*", "?", "[a-z]", "a", "a*", "a?", "%", "_", "a%", "a_", "'", `"`, "`", "''", "';--", `\'`, "$where", "$", "a.b", "{a}", "{a}b", "{}", "${a}", "|", "&", "<", ">", "!"),
			rule: "no byte of a key has a meaning of its own"},
		{name: "one is the beginning of another", run: keyNames("k", "kk", "kkk", "k:", "k:k", "k/k", "k.k"),
			rule: "a key that begins with another one names another record"},
		{name: "bare names", run: keyBare,
			rule: "a key without any prefix may be a name that file systems and servers give a meaning"},
		{name: "longest", run: keyLongest,
			rule: "a key may have MaxKey bytes, and none of them is cut off"},
		{name: "refused", run: keyRefused,
			rule: "a key that CheckKey refuses is answered with its error"},
		{name: "refused before anything else", run: keyRefusedFirst,
			rule: "a key that CheckKey refuses is answered with its error before anything else happens"},
	}
}

// apart checks that each of the keys names a record of its own, for every
// method.
func (p *probe) apart(keys []string) {
	p.Helper()
	far := p.far()
	data := func(i int) string { return fmt.Sprintf("data of record %d", i) }
	saved := make([]store.Record, len(keys))
	for i, key := range keys {
		r, err := p.Save(p.ctx, key, store.Record{}, record(data(i), far))
		if err != nil {
			p.Fatalf("Save(%q) = %v, want nil: the key may be taken for another one", key, err)
		}
		saved[i] = r
	}
	for i, key := range keys {
		if r, err := p.Load(p.ctx, key); err != nil || string(r.Data) != data(i) {
			p.Errorf("Load(%q) = %s, error %v, want %s", key, brief(string(r.Data)), err, data(i))
		}
	}
	for i, key := range keys {
		if i%2 == 0 {
			p.remove(key)
			continue
		}
		if err := p.Touch(p.ctx, key, saved[i], far.Add(time.Hour)); err != nil {
			p.Errorf("Touch(%q) = %v, want nil", key, err)
		}
	}
	for i, key := range keys {
		r, err := p.Load(p.ctx, key)
		switch {
		case i%2 == 0 && !errors.Is(err, store.ErrNotFound):
			p.Errorf("Load(%q) after Delete = %v, want ErrNotFound", key, err)
		case i%2 == 1 && (err != nil || string(r.Data) != data(i) || !p.agree(r.Expires, far.Add(time.Hour))):
			p.Errorf("Load(%q) after others were deleted = %s, error %v, want %s", key, brief(string(r.Data)), err, data(i))
		}
		p.remove(key)
	}
}

// keyNames returns a case that keeps names apart, each behind the prefix.
func keyNames(names ...string) func(p *probe) {
	return func(p *probe) {
		var keys []string
		for _, name := range names {
			keys = append(keys, p.key(name))
		}
		p.apart(keys)
	}
}

func keyPrintable(p *probe) {
	var keys []string
	for c := byte('!'); c <= '~'; c++ {
		keys = append(keys, p.key(string(c)))
	}
	p.apart(keys)
}

// bareNames are keys that cannot have the prefix of the run in front, because
// it is their beginning that matters.
var bareNames = []string{
	".", "..", "...", "/", "//", `\`, "~", "-", "--", "*", "#", "$", "%", "'", "0", "-1",
	"/etc", "../storetest", "con", "CON", "nul.txt", "c:", `\\host\x`, ".lock", ".tmp", "null", "true", "NaN",
}

func keyBare(p *probe) {
	for _, key := range bareNames {
		p.remove(key) // left by a run that was stopped
	}
	p.apart(bareNames)
}

func keyLongest(p *probe) {
	body := p.prefix + strings.Repeat("k", store.MaxKey-len(p.prefix)-1)
	long := []string{body + "a", body + "b", body, body[:len(body)-1]}
	dotted := p.prefix + strings.Repeat("/", store.MaxKey-len(p.prefix))
	p.apart(append(long, dotted))
}

// badKeys are keys that CheckKey refuses, by name.
func badKeys(p *probe) map[string]string {
	fill := strings.Repeat("k", store.MaxKey)
	return map[string]string{
		"empty":          "",
		"one too long":   p.key(fill)[:store.MaxKey+1],
		"far too long":   p.key(strings.Repeat(fill, 300)),
		"NUL":            p.key("a\x00b"),
		"NUL at the end": p.key("a\x00"),
		"line feed":      p.key("a\nb"),
		"CR LF":          p.key("a\r\nflush_all\r\n"),
		"tab":            p.key("a\tb"),
		"space":          p.key("a b"),
		"trailing space": p.key("a "),
		"leading space":  " " + p.key("a"),
		"DEL":            p.key("a\x7f"),
		"not ASCII":      p.key("ä"),
		"not UTF-8":      p.key("\xff"),
		"wide space":     p.key("\u3000"),
	}
}

// refuses checks that all four methods answer ErrKey.
func (p *probe) refuses(ctx context.Context, name, key string) {
	p.Helper()
	some := record("some data", p.far())
	_, loadErr := p.Load(ctx, key)
	_, saveErr := p.Save(ctx, key, store.Record{}, some)
	_, dropErr := p.Save(ctx, key, some, store.Record{})
	for _, c := range []struct {
		op  string
		err error
	}{
		{"Load", loadErr},
		{"Save", saveErr},
		{"Save that deletes", dropErr},
		{"Touch", p.Touch(ctx, key, some, p.far())},
		{"Delete", p.Delete(ctx, key)},
	} {
		if !errors.Is(c.err, store.ErrKey) {
			p.Errorf("%s with a key that is %s = %v, want ErrKey", c.op, name, c.err)
		}
	}
}

func keyRefused(p *probe) {
	for name, key := range badKeys(p) {
		p.refuses(p.ctx, name, key)
	}
}

func keyRefusedFirst(p *probe) {
	ctx, cancel := context.WithCancel(p.ctx)
	cancel()
	for name, key := range badKeys(p) {
		p.refuses(ctx, name, key)
	}
}
