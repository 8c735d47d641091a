package codec

import "testing"

func TestMsgPackStringAllocatesOnlyTheString(t *testing.T) {
	raw, err := MsgPack.Marshal(nil, "a string which is not tiny")
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { String(MsgPack, raw) }); n != 1 {
		t.Errorf("String: %v allocations, want 1", n)
	}
	if n := testing.AllocsPerRun(100, func() { Value[string](MsgPack, raw) }); n != 1 {
		t.Errorf("Value[string]: %v allocations, want 1", n)
	}
}
