package itsdangerous_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"hash"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/itsdangerous"
)

// peerRequest is one question to testdata/peer.py: what do you write for
// Value, and how do you read Texts. Byte slices travel as base64.
type peerRequest struct {
	Class      string   `json:"class"`
	Secrets    [][]byte `json:"secrets"`
	Salt       *[]byte  `json:"salt,omitempty"` // nil for the default
	Sep        []byte   `json:"sep"`
	Derivation string   `json:"derivation"`
	Digest     string   `json:"digest"`
	Opaque     bool     `json:"opaque"`
	Value      *[]byte  `json:"value,omitempty"`
	Now        int64    `json:"now"`
	Later      int64    `json:"later"`
	MaxAge     *int64   `json:"max_age,omitempty"`
	Texts      [][]byte `json:"texts"`
}

type peerAnswer struct {
	Signed []byte
	Read   []peerRead
}

type peerRead struct {
	Error   string
	Value   []byte
	Payload *[]byte
	Date    *int64
}

// findPeer returns a Python that has itsdangerous.
func findPeer(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("no comparison with Python with -short")
	}
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), python, "-c", "import itsdangerous").Run() == nil {
			return python
		}
	}
	const missing = "no python3 with itsdangerous (Debian: apt-get install python3-itsdangerous)"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// askPeer has all requests answered by one Python process.
func askPeer(t *testing.T, requests []peerRequest) []peerAnswer {
	t.Helper()
	var in, problems bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, r := range requests {
		if r.Texts == nil {
			r.Texts = [][]byte{}
		}
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), findPeer(t), "testdata/peer.py")
	cmd.Stdin, cmd.Stderr = &in, &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("peer: %v\n%s", err, problems.Bytes())
	}
	answers := make([]peerAnswer, len(requests))
	dec := json.NewDecoder(bytes.NewReader(out))
	for i := range answers {
		if err := dec.Decode(&answers[i]); err != nil {
			t.Fatalf("peer: answer %d: %v\n%s", i, err, problems.Bytes())
		}
	}
	return answers
}

var digests = map[string]func() hash.Hash{
	"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New, "sha384": sha512.New384,
}

// options are the settings of r at a clock that stands at now.
func (r *peerRequest) options(now int64) itsdangerous.Options {
	o := itsdangerous.Options{
		Separator:     string(r.Sep),
		KeyDerivation: itsdangerous.KeyDerivation(r.Derivation),
		Digest:        digests[r.Digest],
		Now:           at(now),
	}
	if r.Salt != nil {
		o.Salt, o.NoSalt = string(*r.Salt), len(*r.Salt) == 0
	}
	if r.Opaque && strings.HasSuffix(r.Class, "Serializer") {
		o.Codec = opaque{}
	}
	return o
}

// ours does with our library what peer.py does with Python's, for one class.
type ours struct {
	write func(value []byte) (string, error)
	read  func(text string) (value []byte, date time.Time, err error)
}

func (r *peerRequest) ours(now int64) ours {
	secrets, o := itsdangerous.Secrets(r.Secrets), r.options(now)
	anyAge := r.MaxAge == nil
	var maxAge time.Duration
	if !anyAge {
		maxAge = time.Duration(*r.MaxAge) * time.Second
	}
	switch r.Class {
	case "Signer":
		s := must(itsdangerous.NewSigner(secrets, o))
		return ours{
			func(v []byte) (string, error) { return s.Sign(string(v)), nil },
			func(text string) ([]byte, time.Time, error) {
				v, err := s.Unsign(text)
				return []byte(v), time.Time{}, err
			},
		}
	case "TimestampSigner":
		s := must(itsdangerous.NewTimestampSigner(secrets, o))
		return ours{
			func(v []byte) (string, error) { return s.Sign(string(v)), nil },
			func(text string) ([]byte, time.Time, error) {
				if anyAge {
					v, date, err := s.UnsignAnyAge(text)
					return []byte(v), date, err
				}
				v, date, err := s.Unsign(text, maxAge)
				return []byte(v), date, err
			},
		}
	case "Serializer", "URLSafeSerializer":
		s := must(itsdangerous.NewSerializer(secrets, o))
		if r.Class == "URLSafeSerializer" {
			s = must(itsdangerous.NewURLSafeSerializer(secrets, o))
		}
		return ours{
			func(v []byte) (string, error) { return s.Dumps(r.toValue(v)) },
			func(text string) ([]byte, time.Time, error) {
				v, p := r.destination()
				err := s.Loads(text, p)
				return v(), time.Time{}, err
			},
		}
	case "TimedSerializer", "URLSafeTimedSerializer":
		s := must(itsdangerous.NewTimedSerializer(secrets, o))
		if r.Class == "URLSafeTimedSerializer" {
			s = must(itsdangerous.NewURLSafeTimedSerializer(secrets, o))
		}
		return ours{
			func(v []byte) (string, error) { return s.Dumps(r.toValue(v)) },
			func(text string) ([]byte, time.Time, error) {
				v, p := r.destination()
				var date time.Time
				var err error
				if anyAge {
					date, err = s.LoadsAnyAge(text, p)
				} else {
					date, err = s.Loads(text, p, maxAge)
				}
				return v(), date, err
			},
		}
	}
	panic(fmt.Sprintf("class %q", r.Class))
}

// toValue returns what a serializer is given: the bytes themselves, or the
// value that they are the JSON of.
func (r *peerRequest) toValue(value []byte) any {
	if r.Opaque {
		return value
	}
	return parseJSON(value)
}

// destination returns a pointer to load into, and a function that gives what
// was loaded as bytes.
func (r *peerRequest) destination() (func() []byte, any) {
	if r.Opaque {
		b := new([]byte)
		return func() []byte { return *b }, b
	}
	raw := new(json.RawMessage)
	return func() []byte { return *raw }, raw
}

func parseJSON(text []byte) (v any) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // so that numbers keep their spelling
	if err := dec.Decode(&v); err != nil {
		panic(err)
	}
	return v
}
