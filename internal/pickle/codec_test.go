package pickle_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/pickle"
)

// pickleCodec shows that a codec.Codec can be made of this package. It only
// takes the values of package pickle and a few of Go's own.
type pickleCodec struct{ protocol int }

var _ codec.Codec = pickleCodec{}

func (pickleCodec) Name() string { return "pickle" }

func (pickleCodec) Match(data []byte) bool {
	return len(data) > 1 && (data[0] == 0x80 && data[1] >= 2 && data[1] <= 5 || string(data[:2]) == "(d" || data[0] == '}')
}

// wrap makes the errors of one package those of the other.
func wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pickle.ErrLimit):
		return fmt.Errorf("%w: %w", codec.ErrLimit, err)
	case errors.Is(err, pickle.ErrValue):
		return fmt.Errorf("%w: %w", codec.ErrType, err)
	}
	return fmt.Errorf("%w: %w", codec.ErrMalformed, err)
}

func (pickleCodec) Split(dst []codec.Field, data []byte) ([]codec.Field, error) {
	parts, err := pickle.Split(nil, data, pickle.Limits{})
	for _, p := range parts {
		dst = append(dst, codec.Field(p))
	}
	return dst, wrap(err)
}

func (c pickleCodec) Join(dst []byte, fields []codec.Field) ([]byte, error) {
	parts := make([]pickle.Part, len(fields))
	for i, f := range fields {
		parts[i] = pickle.Part(f)
	}
	dst, err := pickle.Join(dst, parts, c.protocol)
	return dst, wrap(err)
}

func (c pickleCodec) Marshal(dst []byte, v any) ([]byte, error) {
	if n, ok := v.(int); ok {
		v = int64(n)
	}
	dst, err := pickle.Append(dst, v, c.protocol)
	return dst, wrap(err)
}

func (pickleCodec) Unmarshal(raw []byte, dst any) error {
	v, err := pickle.Unmarshal(raw, pickle.Limits{})
	if err != nil {
		return wrap(err)
	}
	switch dst := dst.(type) {
	case *any:
		*dst = v
		return nil
	case *int:
		if n, ok := v.(int64); ok {
			*dst = int(n)
			return nil
		}
	}
	return codec.ErrType
}

// TestServesACodec changes one value of a record of Flask's and keeps the rest.
func TestServesACodec(t *testing.T) {
	c := pickleCodec{protocol: 0}
	record := []byte("(dp0\nV_permanent\np1\nI01\nsVn\np2\nI3\nsI7\ncdatetime\ndate\np3\n(c_codecs\nencode\np4\n(V\x07\xe8\x02\x1d\np5\nVlatin1\np6\ntp7\nRp8\ntp9\nRp10\ns.")
	if !c.Match(record) || c.Match([]byte("\x82\xa1a")) || c.Match([]byte(`{"a":1}`)) {
		t.Error("does not tell pickles apart")
	}
	fields, err := c.Split(nil, record)
	if err != nil || len(fields) != 3 || string(fields[1].Name) != "n" || fields[2].Name != nil {
		t.Fatalf("got %v, %v", fields, err)
	}
	var n int
	if err := c.Unmarshal(fields[1].Raw, &n); err != nil || n != 3 {
		t.Fatalf("got %d, %v", n, err)
	}
	same, err := c.Join(nil, fields)
	if err != nil || string(same) != string(record) {
		t.Errorf("got %q, %v", same, err)
	}
	if fields[1].Raw, err = c.Marshal(nil, n+1); err != nil {
		t.Fatal(err)
	}
	raw, err := c.Marshal(nil, "ada")
	if err != nil {
		t.Fatal(err)
	}
	fields = append(fields, codec.Field{Name: []byte("user"), Raw: raw})
	got, err := c.Join(nil, fields)
	want := "(dp0\nV_permanent\np1\nI01\nsVn\np2\nI4\nsI7\ncdatetime\ndate\np3\n(c_codecs\nencode\np4\n(V\x07\xe8\x02\x1d\np5\nVlatin1\np6\ntp7\nRp8\ntp9\nRp10\nsVuser\np11\nVada\np12\ns."
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := c.Split(nil, []byte("cos\nsystem\n.")); !errors.Is(err, codec.ErrMalformed) || !errors.Is(err, pickle.ErrRefused) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Marshal(nil, struct{}{}); !errors.Is(err, codec.ErrType) {
		t.Errorf("got %v", err)
	}
}
