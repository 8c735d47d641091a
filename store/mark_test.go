package store_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store"
)

func FuzzMark(f *testing.F) {
	f.Add([]byte("\xc1crm\x01E\x00\x00\x01\x93\x7f\x00\x00\x00"))
	f.Add(store.Mark{Kind: store.MarkMoved, At: time.Now(), Payload: []byte("session:x")}.Append(nil))
	f.Add([]byte("\xc1crm\x02E\x00\x00\x01\x93\x7f\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, ok := store.ParseMark(data)
		if !ok {
			return
		}
		if again := m.Append(nil); !bytes.Equal(again, data) {
			t.Errorf("%x became %x", data, again)
		}
		for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
			if c.Match(data) {
				t.Errorf("%s takes a mark for a record", c.Name())
			}
		}
	})
}

func TestMark(t *testing.T) {
	at := time.UnixMilli(1_764_523_000_123)
	data := store.Mark{Kind: store.MarkEnded, At: at, Payload: []byte("left")}.Append([]byte("before"))
	m, ok := store.ParseMark(data[len("before"):])
	if !ok || m.Kind != store.MarkEnded || !m.At.Equal(at) || string(m.Payload) != "left" {
		t.Errorf("read back %+v, %v", m, ok)
	}
	for _, other := range []string{"", "\xc1crm\x01", "\xc1crm\x01E\x00\x00\x00\x00\x00\x00\x00", "\x81\xa1a\x01", "{}"} {
		if _, ok := store.ParseMark([]byte(other)); ok {
			t.Errorf("%q passes for a mark", other)
		}
	}
}
