package seal_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/seal"
)

func secret(t testing.TB) []byte {
	t.Helper()
	b := make([]byte, 32)
	rand.Read(b)
	return b
}

func mustNew(t testing.TB, secrets ...[]byte) *seal.Sealer {
	t.Helper()
	s, err := seal.New(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRoundTrip(t *testing.T) {
	s := mustNew(t, secret(t))
	for _, plain := range []string{"", "x", strings.Repeat("data ", 1000)} {
		sealed := s.Seal(nil, []byte(plain), "session")
		if got, want := len(sealed), len(plain)+seal.Overhead; got != want {
			t.Errorf("sealed length = %d, want %d", got, want)
		}
		got, err := s.Open([]byte("kept "), sealed, "session")
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != "kept "+plain {
			t.Errorf("opened %d bytes, want the plaintext appended to dst", len(got))
		}
	}
}

func TestSealNeverRepeats(t *testing.T) {
	s := mustNew(t, secret(t))
	a, b := s.Seal(nil, []byte("same"), "c"), s.Seal(nil, []byte("same"), "c")
	if bytes.Equal(a, b) {
		t.Error("two seals of one plaintext are equal: the nonce repeats")
	}
}

func TestOpenRefuses(t *testing.T) {
	s := mustNew(t, secret(t))
	sealed := s.Seal(nil, []byte("the message"), "session")
	t.Run("another context", func(t *testing.T) {
		for _, context := range []string{"", "sessio", "session2", "Session"} {
			if _, err := s.Open(nil, sealed, context); !errors.Is(err, seal.ErrOpen) {
				t.Errorf("context %q: error = %v, want ErrOpen", context, err)
			}
		}
	})
	t.Run("every single changed bit", func(t *testing.T) {
		for i := range len(sealed) * 8 {
			bad := bytes.Clone(sealed)
			bad[i/8] ^= 1 << (i % 8)
			if _, err := s.Open(nil, bad, "session"); !errors.Is(err, seal.ErrOpen) {
				t.Fatalf("bit %d changed: error = %v, want ErrOpen", i, err)
			}
		}
	})
	t.Run("every truncation", func(t *testing.T) {
		for n := range len(sealed) {
			if _, err := s.Open(nil, sealed[:n], "session"); !errors.Is(err, seal.ErrOpen) {
				t.Fatalf("first %d bytes: error = %v, want ErrOpen", n, err)
			}
		}
	})
	t.Run("another key", func(t *testing.T) {
		_, err := mustNew(t, secret(t)).Open(nil, sealed, "session")
		if !errors.Is(err, seal.ErrUnknownKey) || !errors.Is(err, seal.ErrOpen) {
			t.Errorf("error = %v, want ErrUnknownKey", err)
		}
	})
}

func TestRotation(t *testing.T) {
	older, newer := secret(t), secret(t)
	before := mustNew(t, older)
	after := mustNew(t, newer, older)
	old := before.Seal(nil, []byte("m"), "c")
	if _, err := after.Open(nil, old, "c"); err != nil {
		t.Errorf("the second key does not open: %v", err)
	}
	if after.Current(old) {
		t.Error("Current = true for the second key's message")
	}
	fresh := after.Seal(nil, []byte("m"), "c")
	if !after.Current(fresh) {
		t.Error("Current = false for a fresh message")
	}
	if _, err := before.Open(nil, fresh, "c"); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("the first key did not seal: error = %v", err)
	}
}

func TestKeyIsThePositionInTheList(t *testing.T) {
	a, b, c := secret(t), secret(t), secret(t)
	list := mustNew(t, a, b)
	for name, x := range map[string]struct {
		message []byte
		key     int
		sealed  bool
	}{
		"by the first":  {mustNew(t, a).Seal(nil, nil, "c"), 0, true},
		"by the second": {mustNew(t, b).Seal(nil, nil, "c"), 1, true},
		"by another":    {mustNew(t, c).Seal(nil, nil, "c"), -1, true},
		"too short":     {list.Seal(nil, nil, "c")[:seal.Overhead-1], -1, false},
		"head alone":    {list.Seal(nil, nil, "c")[:5], -1, false},
		"version 0":     {append([]byte{0}, list.Seal(nil, nil, "c")[1:]...), -1, false},
		"version 2":     {append([]byte{2}, list.Seal(nil, nil, "c")[1:]...), -1, false},
		"empty":         {nil, -1, false},
		"JSON":          {[]byte(`{"a":"` + strings.Repeat("x", 100) + `"}`), -1, false},
	} {
		if got := list.Key(x.message); got != x.key {
			t.Errorf("%s: Key = %d, want %d", name, got, x.key)
		}
		if got := list.Current(x.message); got != (x.key == 0) {
			t.Errorf("%s: Current = %v", name, got)
		}
		if got := seal.Sealed(x.message); got != x.sealed {
			t.Errorf("%s: Sealed = %v, want %v", name, got, x.sealed)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := secret(t)
	for name, keys := range map[string][][]byte{
		"no key":        nil,
		"nil key":       {nil},
		"short key":     {good[:seal.MinKey-1]},
		"short second":  {good, good[:8]},
		"repeated byte": {bytes.Repeat([]byte("k"), 32)},
		"key twice":     {good, good},
	} {
		if _, err := seal.New(keys...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAllocations(t *testing.T) {
	s := mustNew(t, secret(t))
	plain := make([]byte, 300)
	sealed := s.Seal(nil, plain, "session")
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { s.Seal(buf, plain, "session") }); n > 2 {
		t.Errorf("Seal allocates %v times, want at most 2", n)
	}
	if n := testing.AllocsPerRun(100, func() { s.Open(buf, sealed, "session") }); n > 2 {
		t.Errorf("Open allocates %v times, want at most 2", n)
	}
}

func FuzzOpen(f *testing.F) {
	s := mustNew(f, bytes.Repeat([]byte("0123456789abcdef"), 2))
	f.Add(s.Seal(nil, []byte("hello"), "session"), "session")
	f.Add([]byte{}, "")
	f.Add(bytes.Repeat([]byte{1}, seal.Overhead), "x")
	f.Add(mustNew(f, bytes.Repeat([]byte("fedcba9876543210"), 2)).Seal(nil, []byte("hello"), "session"), "session")
	f.Fuzz(func(t *testing.T, message []byte, context string) {
		plain, err := s.Open(nil, message, context)
		listed, unknown := s.Key(message) >= 0, errors.Is(err, seal.ErrUnknownKey)
		if seal.Sealed(message) != (listed || unknown) || listed && unknown || err == nil && !listed {
			t.Errorf("Sealed %v, Key %d, error %v", seal.Sealed(message), s.Key(message), err)
		}
		if err != nil {
			if !errors.Is(err, seal.ErrOpen) {
				t.Errorf("error = %v, want ErrOpen", err)
			}
			return
		}
		if len(plain)+seal.Overhead != len(message) {
			t.Error("opened message has another length than its plaintext")
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	s := mustNew(b, secret(b))
	plain, buf := make([]byte, 300), make([]byte, 0, 1024)
	for b.Loop() {
		s.Seal(buf, plain, "__Host-session")
	}
}

func BenchmarkOpen(b *testing.B) {
	s := mustNew(b, secret(b))
	sealed, buf := s.Seal(nil, make([]byte, 300), "__Host-session"), make([]byte, 0, 1024)
	for b.Loop() {
		s.Open(buf, sealed, "__Host-session")
	}
}
