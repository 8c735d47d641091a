package flask_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/flask"
)

// TestManualTellsWhatBecomesOfTypes holds the table of Python's types in the
// manual to what a value of each becomes in each format.
func TestManualTellsWhatBecomesOfTypes(t *testing.T) {
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| Python | Go | Flask's cookie | pickle | msgpack | JSON |\n| --- | --- | --- | --- | --- | --- |\n")
	if !found {
		t.Fatal("the manual has no such table")
	}
	table, _, _ = strings.Cut(table, "| anything else |")
	codecs := []codec.Codec{
		cookieCodec(t), flask.RecordCodec(flask.FormatPickle), flask.RecordCodec(flask.FormatMsgPack), flask.RecordCodec(flask.FormatJSON),
	}
	rows := strings.Split(strings.TrimSpace(table), "\n")
	for _, row := range rows {
		cells := strings.Split(row, " | ")
		kind := strings.NewReplacer("|", "", "`", "").Replace(strings.TrimPrefix(cells[0], "| "))
		v, known := ofEachType(t)[kind]
		if !known || len(cells) != 6 {
			t.Errorf("no value of the type %q, or not six cells: %s", kind, row)
			continue
		}
		for i, c := range codecs {
			said := strings.TrimSpace(strings.TrimSuffix(cells[2+i], "|"))
			if got := becomes(c, v); !strings.Contains(meant(said), got) {
				t.Errorf("%s in %s: %s, and the manual says %q", kind, c.Name(), got, said)
			}
		}
	}
	if len(rows) != len(ofEachType(t)) {
		t.Errorf("%d rows, and %d types", len(rows), len(ofEachType(t)))
	}
}

func cookieCodec(t *testing.T) codec.Codec {
	cfg := configured(t, values{"SECRET_KEY": goodSecret})
	return cfg.RecordCodec()
}

func ofEachType(t *testing.T) map[string]any {
	uuid, err := flask.ParseUUID("12345678-1234-5678-1234-567812345678")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)
	return map[string]any{
		"None": nil, "bool": true, "int": int64(7), "float": 1.5, "str": "x", "bytes": []byte("x"), "list": []any{"x"},
		"dict": map[string]any{"a": "x"}, "tuple": flask.Tuple{"x"}, "set, frozenset": flask.FrozenSet{"x"}, "Markup": flask.Markup("<b>"),
		"uuid.UUID": uuid, "datetime with zone": at, "datetime without zone": flask.Naive(at),
		"date": flask.Date{Year: 2024, Month: 2, Day: 29}, "time": flask.TimeOfDay{Hour: 12}, "timedelta": flask.Lasting(time.Hour),
		"Decimal": flask.Decimal("1.10"), "bytearray": flask.ByteArray("x"), "complex": complex(1, 2),
	}
}

// becomes says what a value is once it was written and read.
func becomes(c codec.Codec, v any) string {
	raw, err := c.Marshal(nil, v)
	if err != nil {
		return "refused"
	}
	var back any
	if err := c.Unmarshal(raw, &back); err != nil {
		return err.Error()
	}
	if reflect.DeepEqual(back, v) {
		return "yes"
	}
	switch back.(type) {
	case string:
		return "text"
	case []any:
		return "list"
	case []byte:
		return "bytes"
	case time.Time:
		return "time"
	}
	return fmt.Sprintf("%T", back)
}

// meant is the manual's word as one of becomes.
func meant(said string) string {
	switch said {
	case "any size", "64 bits, else refused", "no NaN, no infinity", "text keys", "timestamp":
		return "yes"
	case "base64 text":
		return "text"
	case "UTC, whole seconds":
		return "yes or time"
	}
	return said
}
