package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"
)

// most is how many bytes a small pickle may make its reader allocate.
const most = 8 << 20

// allocated returns how many bytes f allocates, garbage included.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestRefusesHostile(t *testing.T) {
	// What flask-facts allows to be accepted as a plain value.
	plain := map[string]string{
		"decimal_huge_exp":     `dict[str "k" pyvalue.Decimal "1E999999999" ]`,
		"global_after_stop_ok": `dict[]`,
	}
	for _, v := range loadVectors(t).Hostile {
		if v.Must != "refuse" {
			t.Errorf("%s: unknown verdict %q", v.Name, v.Must)
		}
		var got Value
		var err error
		if n := allocated(func() { got, err = Unmarshal(v.Stored.data, Limits{}) }); n > most {
			t.Errorf("%s: allocated %d bytes", v.Name, n)
		}
		if want, ok := plain[v.Name]; ok {
			if err != nil || describe(got) != want {
				t.Errorf("%s: got %v, %v", v.Name, got, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: accepted", v.Name)
		}
		if _, err := Split(nil, v.Stored.data, Limits{}); err == nil {
			t.Errorf("%s: split", v.Name)
		}
	}
}

func TestErrorsNameWhatIsRefused(t *testing.T) {
	tests := []struct {
		name, pickle, want string
		kind               error
	}{
		{"global", "(dp0\nVk\ncposix\nsystem\n.",
			`not a plain value: global "posix.system": not in the list of plain values (opcode 'c' at offset 8)`, ErrRefused},
		{"stack global", "\x80\x04\x8c\x02os\x8c\x06system\x93.", `global "os.system"`, ErrRefused},
		{"instance", "(ios\nsystem\n.", `global "os.system"`, ErrRefused},
		{"path below a class", "\x80\x04\x8c\x08datetime\x8c\x0cdatetime.now\x93.", `global "datetime.datetime.now"`, ErrRefused},
		{"control characters", "c\x1b[31m\nx\n.", `global "\x1b[31m.x"`, ErrRefused},
		{"long name", "c" + strings.Repeat("x", 5000) + "\ny\n.", `xxx...": not in`, ErrRefused},
		{"class as a value", "cdatetime\ndate\n.", `global "datetime.date": a class or function is not a plain value`, ErrRefused},
		{"class in a list", "(cdatetime\ndate\nl.", `global "datetime.date"`, ErrRefused},
		{"extension", "\x80\x02\x82\x01.", "EXT1", ErrRefused},
		{"persistent object", "Pabc\n.", "PERSID", ErrRefused},
		{"attributes of a class", "cuuid\nUUID\n}b.", "setting attributes of uuid.UUID", ErrRefused},
		{"attributes of a UUID", "\x80\x02cuuid\nUUID\n)\x81}X\x01\x00\x00\x00xK\x01sb.", "unknown attribute", ErrRefused},
		{"UUID without number", "\x80\x02cuuid\nUUID\n)\x81.", "UUID without its number", ErrMalformed},
		{"call of a UUID", "cuuid\nUUID\n(Vx\ntR.", "uuid.UUID", ErrRefused},
		{"instance of a set", "\x80\x02c__builtin__\nset\n)\x81.", "builtins.set", ErrRefused},
		{"call of a number", "K\x01)R.", "calling an int", ErrMalformed},
		{"arguments in a list", "cdatetime\ndate\n]R.", "arguments are a list", ErrMalformed},
		{"wrong arguments", "cdatetime\ndate\n(K\x01tR.", "bad arguments for datetime.date", ErrMalformed},
		{"a date that is none", "\x80\x03cdatetime\ndate\nC\x04\x07\xe9\x02\x1d\x85R.", "bad arguments", ErrMalformed},
		{"a zone of a day", "cdatetime\ntimezone\n(cdatetime\ntimedelta\n(K\x01K\x00K\x00tRtR.", "bad arguments for datetime.timezone", ErrMalformed},
		{"unknown opcode", "\xff.", "opcode 0xff at offset 0", ErrMalformed},
		{"early end", "}", "ends too early (at offset 1)", ErrMalformed},
		{"key", "}]K\x01s.", "unhashable key", ErrMalformed},
		{"list in a tuple as a key", "}]\x85K\x01s.", "unhashable key", ErrMalformed},
		{"list that contains itself", "]q\x00h\x00a.", "contains itself", ErrLimit},
		{"dict that contains itself", "}q\x00K\x01h\x00s.", "contains itself", ErrLimit},
		{"long integer text", "I" + strings.Repeat("1", 4301) + "\n.", "too many digits", ErrLimit},
		{"long integer", "\x8b\x00\x00\x02\x00" + strings.Repeat("\x01", 1<<17) + ".", "integer too large", ErrLimit},
		{"memo number", "}r\xff\xff\xff\xff.", "memo number too high", ErrLimit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Unmarshal([]byte(tt.pickle), Limits{})
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want a %v with %s", err, tt.kind, tt.want)
			}
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("error has %d bytes", len(err.Error()))
			}
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("error is a %T", err)
			}
		})
	}
}

// proto4 is the beginning of the bombs, all of which are small.
const proto4 = "\x80\x04"

func binget(i int) string { return string([]byte{'h', byte(i)}) }

// doubling returns a pickle of tuples, each with the one before in it twice.
func doubling(open, twice string, levels int) string {
	return proto4 + open + "\x94" + strings.Repeat(twice+"\x94", levels)
}

func TestBoundsTheWork(t *testing.T) {
	long := func(n int) string {
		return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(n))) + strings.Repeat("x", n)
	}
	distinct := "("
	for i := range 2000 {
		distinct += "M" + string([]byte{byte(i), byte(i >> 8)})
	}
	manyInts := "(" + strings.Repeat("K\x01", 8000)
	tests := []struct{ name, pickle string }{
		{"shared lists", proto4 + "]\x94" + func() (s string) {
			for i := range 60 {
				s += "](" + binget(i) + binget(i) + "e\x94"
			}
			return s
		}() + "."},
		{"shared tuples", doubling("K\x01\x85", "2\x86", 60) + "."},
		{"shared tuples as a key", "}" + doubling("K\x01\x85", "2\x86", 60) + "K\x01s."},
		{"shared frozen sets", proto4 + "(K\x01\x91\x94" + func() (s string) {
			for i := range 60 {
				s += "(" + binget(i) + binget(i) + "\x85\x91\x94"
			}
			return s
		}() + "."},
		{"nested tuples", proto4 + "K\x01" + strings.Repeat("\x85", 50000) + "."},
		{"nested tuples as a key", proto4 + "}K\x01" + strings.Repeat("\x85", 50000) + "K\x01s."},
		{"nested lists", proto4 + strings.Repeat("]", 50000) + strings.Repeat("a", 49999) + "."},
		{"nested dicts", proto4 + strings.Repeat("}K\x01", 20000) + "N" + strings.Repeat("s", 20000) + "."},
		{"marks", strings.Repeat("(", 60000) + "."},
		{"sparse memo", "}" + func() (s string) {
			for i := range 4000 {
				s += "r" + string(binary.LittleEndian.AppendUint32(nil, uint32(i*1000+7)))
			}
			return s
		}() + "."},
		{"one long text in a list", proto4 + "](" + long(20000) + "\x94" + strings.Repeat("h\x00", 10000) + "e."},
		{"one long text as a key of many", proto4 + "](" + long(20000) + "\x940" + strings.Repeat("}h\x00K\x01s", 9000) + "e."},
		{"one long text as a key of many that are dropped", proto4 + long(20000) + "\x940" + strings.Repeat("}h\x00K\x01s0", 6000) + "N."},
		{"one long text as a decimal often", "cdecimal\nDecimal\nq\x00(" + long(20000)[:5] + strings.Repeat("1", 20000) + "tq\x010" +
			strings.Repeat("h\x00h\x01R0", 5000) + "N."},
		{"one long text encoded often", "c_codecs\nencode\nq\x00(" + long(20000) + "X\x06\x00\x00\x00latin1tq\x010(" +
			strings.Repeat("h\x00h\x01R", 5000) + "l."},
		{"one long list made into a set often", "c__builtin__\nset\nq\x00]q\x01" + distinct + "e\x85q\x020(" +
			strings.Repeat("h\x00h\x02R", 5000) + "l."},
		{"one long tuple as a key of many", proto4 + manyInts + "t\x940(" + strings.Repeat("}h\x00K\x01s", 5000) + "l."},
		{"one long zone name", "cdatetime\ntimezone\nq\x00(cdatetime\ntimedelta\n(K\x00K\x00K\x00tR" + long(20000) + "tq\x010" +
			strings.Repeat("h\x00h\x01R0", 5000) + "N."},
		{"lengths without bytes", proto4 + strings.Repeat("\x8e\xff\xff\xff\x00\x00\x00\x00\x00", 1000)},
		{"long line", "I" + strings.Repeat("9", 50000)},
		{"decimal", "cdecimal\nDecimal\n(V1E" + strings.Repeat("9", 50000) + "\ntR."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v Value
			var err error
			n := allocated(func() { v, err = Unmarshal([]byte(tt.pickle), Limits{}) })
			if n > most {
				t.Errorf("%d bytes allocated for %d", n, len(tt.pickle))
			}
			want := ErrLimit
			switch tt.name {
			case "decimal", "sparse memo":
				want = nil // large, but in proportion
			case "marks", "lengths without bytes", "long line":
				want = ErrMalformed
			}
			if !errors.Is(err, want) {
				t.Errorf("got a %T, %v; want %v", v, err, want)
			}
		})
	}
}

// TestAllocatesInProportion gives the reader the instructions that make the
// most of their bytes.
func TestAllocatesInProportion(t *testing.T) {
	const size = 1 << 16
	for _, unit := range []string{"]", "}", ")", "\x8f", "(", "2", "\x94", "]0", "}0", "K\x852", "\x85", "C\x00", "I1\n", "\x8a\x01\x01", "V\n", "F1\n", "U\x00", "G12345678"} {
		data := append([]byte(proto4+"N"), bytes.Repeat([]byte(unit), size/len(unit))...)
		n := allocated(func() { _, _ = Unmarshal(data, Limits{}) })
		if n > 160*size {
			t.Errorf("%q: %d bytes allocated for %d", unit, n, len(data))
		}
	}
}

func TestLimits(t *testing.T) {
	nested := func(n int) []byte {
		return []byte(strings.Repeat("]", n) + strings.Repeat("a", n-1) + ".")
	}
	tests := []struct {
		name   string
		pickle string
		limits Limits
		ok     bool
	}{
		{"size", "N.", Limits{Size: 2}, true},
		{"over size", "N.", Limits{Size: 1}, false},
		{"depth", string(nested(256)), Limits{}, true},
		{"over depth", string(nested(257)), Limits{}, false},
		{"smaller depth", string(nested(3)), Limits{Depth: 2}, false},
		{"nodes", "(NNl.", Limits{Nodes: 3}, true},
		{"over nodes", "(NNl.", Limits{Nodes: 2}, false},
		{"text counts as nodes", "U\x40" + strings.Repeat("x", 64) + ".", Limits{Nodes: 1}, false},
		{"stack", "NNN00.", Limits{Stack: 3}, true},
		{"over stack", "NNN00.", Limits{Stack: 2}, false},
		{"marks", "((1N1N.", Limits{Stack: 2}, true},
		{"over marks", "(((111N.", Limits{Stack: 2}, false},
		{"memo", "]q\x04.", Limits{Memo: 5}, true},
		{"over memo", "]q\x05.", Limits{Memo: 5}, false},
		{"digits", "I-123\n.", Limits{Digits: 3}, true},
		{"over digits", "I-1234\n.", Limits{Digits: 3}, false},
		{"integer", "\x8a\x02ab.", Limits{IntSize: 2}, true},
		{"over integer", "\x8a\x03abc.", Limits{IntSize: 2}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Unmarshal([]byte(tt.pickle), tt.limits)
			if tt.ok && err != nil || !tt.ok && !errors.Is(err, ErrLimit) {
				t.Errorf("got %v, want ok: %v", err, tt.ok)
			}
		})
	}
}
