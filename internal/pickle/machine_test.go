package pickle

import (
	"math"
	"testing"
)

// TestInstructions runs what no vector has. What Python makes of each was
// found out by having it load the same bytes.
func TestInstructions(t *testing.T) {
	tests := []struct{ name, pickle, want string }{
		{"POP takes a MARK", "K\x01(0.", "int64 1"},
		{"two backslashes before u", `V\\u0041` + "\n.", `str "\\\\u0041"`},
		{"a lone backslash", `Va\` + "\n.", `str "a\\"`},
		{"another escape", `V\x41` + "\n.", `str "\\x41"`},
		{"surrogates are not joined", `V\ud83d\ude00` + "\n.", `str "\xed\xa0\xbd\xed\xb8\x80"`},
		{"string escapes", `S'\a\b\f\r\t\v\\\"\101\0\z'` + "\n.", `str "\a\b\f\r\t\v\\\"A\x00\\z"`},
		{"string in double quotes", `S"it's"` + "\n.", `str "it's"`},
		{"numbers after a high one", "K\x07r\x02\x00\x00\x000K\x01q\x000K\x02q\x010K\x03q\x020K\x09\x940h\x03.", "int64 9"},
		{"a number used twice", "K\x01q\x000K\x02q\x000h\x00.", "int64 2"},
		{"empty bytes", "c__builtin__\nbytes\n)R.", "[]uint8 []byte{}"},
		{"bytearray of Python 3.7", "c__builtin__\nbytearray\n(V\xe9\nVlatin-1\ntR.", "pyvalue.ByteArray pyvalue.ByteArray{0xe9}"},
		{"empty bytearray", "\x80\x03cbuiltins\nbytearray\n)R.", "pyvalue.ByteArray pyvalue.ByteArray{}"},
		{"UUID with a note on safety", "\x80\x03cuuid\nUUID\n)\x81}(X\x03\x00\x00\x00intK\x01X\x07\x00\x00\x00is_safeK\x00ub.",
			`pyvalue.UUID pyvalue.UUID{0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x1}`},
		{"date of Python 2", "cdatetime\ndate\n(U\x04\x07\x60\x02\x1dtR.", "pyvalue.Date pyvalue.Date{Year:1888, Month:2, Day:29}"},
		{"datetime without a zone, said so", "\x80\x03cdatetime\ntime\n(C\x06\x01\x02\x03\x00\x00\x04NtR.", "time 01:02:03.000004 false 0s"},
		{"timedelta that carries", "cdatetime\ntimedelta\n(K\x00I-1\nK\x00tR.", "pyvalue.TimeDelta pyvalue.TimeDelta{Days:-1, Seconds:86399, Microseconds:0}"},
		{"infinity", "F-inf\n.", "float fff0000000000000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := Unmarshal([]byte(tt.pickle), Limits{})
			if err != nil || describe(v) != tt.want {
				t.Errorf("got %v, %v; want %s", describe(v), err, tt.want)
			}
		})
	}
	v, err := Unmarshal([]byte("Fnan\n."), Limits{})
	if f, ok := v.(float64); err != nil || !ok || math.Float64bits(f) != 0x7ff8<<48 {
		t.Errorf("NaN is %v, %v", v, err)
	}
}
