package ledger_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/ledger"
)

// saveWith returns what a record of the given bytes becomes when it is saved with
// its Meta as Next makes it.
func saveWith(t *testing.T, st *ledger.Style, c codec.Codec, data []byte, sent int64, prev []ledger.Prev) (ledger.Base, []byte) {
	t.Helper()
	fields, err := c.Split(nil, data)
	if err != nil {
		t.Fatal(err)
	}
	base := ledger.Read(st, c, fields)
	var d ledger.Draft
	m := base.Meta.Copy()
	m.Idle, m.Life, m.Sent, m.Prev = st.Meta.Idle, st.Meta.Life, sent, prev
	next, err := d.Apply(st, &base, m.Or(st.Meta), time.Unix(1000, 0))
	if err != nil {
		t.Fatal(err)
	}
	out, err := next.Codec.Join(nil, next.Fields)
	if err != nil {
		t.Fatal(err)
	}
	return base, out
}

func TestMeta(t *testing.T) {
	for _, c := range []codec.Codec{codec.JSON, codec.MsgPack} {
		st := ledger.Style{Codec: c, Meta: ledger.NewMeta(c, time.Minute, -1)}
		value, err := c.Marshal(nil, 7)
		if err != nil {
			t.Fatal(err)
		}
		data, err := c.Join(nil, []codec.Field{{Name: []byte("a"), Raw: value}})
		if err != nil {
			t.Fatal(err)
		}
		base, data := saveWith(t, &st, c, data, 0, nil)
		if base.Meta != nil {
			t.Error("a record of another program has a Meta")
		}
		base, same := saveWith(t, &st, c, data, 0, nil)
		if base.Meta != st.Meta || string(same) != string(data) {
			t.Errorf("the usual Meta is read as %+v and written as %q", base.Meta, same)
		}
		prev := []ledger.Prev{{'M', "session:old", "abc", "def"}, {'R', "session:older", "", ""}}
		_, data = saveWith(t, &st, c, data, 1234, prev)
		base, data = saveWith(t, &st, c, data, 0, nil)
		if m := base.Meta; m.Idle != time.Minute || m.Life != -1 || m.Sent != 1234 || !reflect.DeepEqual(m.Prev, prev) {
			t.Errorf("read back %+v", m)
		}
		if string(data) != string(same) {
			t.Errorf("without them: %q, want %q", data, same)
		}
	}
}

// Entries that a later release has added stay.
func TestMetaOfALaterRelease(t *testing.T) {
	st := ledger.Style{Codec: codec.JSON, Meta: ledger.NewMeta(codec.JSON, time.Minute, time.Hour)}
	_, data := saveWith(t, &st, codec.JSON, []byte(`{"_cloakroom":{"idle":5000,"newer":"ada","newest":{"idle" : 7}},"a":1}`), 0, nil)
	if want := `{"_cloakroom":{"idle":60000,"life":3600000,"newer":"ada","newest":{"idle" : 7}},"a":1}`; string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
}

// What somebody else has put there is no reason to fail, and of a list without
// end only the beginning is read.
func TestHostileMeta(t *testing.T) {
	st := ledger.Style{Codec: codec.JSON, Meta: ledger.NewMeta(codec.JSON, time.Minute, time.Hour)}
	for _, value := range []string{
		`null`, `7`, `"text"`, `[]`, `{}`, `{"idle":null}`, `{"idle":"x"}`, `{"idle":1e300}`, `{"idle":9223372036854775807}`,
		`{"idle":-5,"prev":{}}`, `{"prev":[1,[],["M"],["MM","x","",""],["M",7,"",""],["M","","",""],["M","x"]]}`, `{"idle":18446744073709551615}`,
		`{"prev":[["M","1","",""],["M","2","",""],["M","3","",""],["M","4","",""],["M","5","",""],["M","6","",""]]}`,
	} {
		base, data := saveWith(t, &st, codec.JSON, []byte(`{"_cloakroom":`+value+`,"a":1}`), 0, nil)
		if m := base.Meta; m != nil && (m.Idle < -1 || len(m.Prev) > 4) {
			t.Errorf("%s was read as %+v", value, m)
		}
		base, _ = saveWith(t, &st, codec.JSON, data, 0, nil)
		if base.Meta == nil || base.Meta.Idle != time.Minute || len(base.Meta.Prev) != 0 {
			t.Errorf("%s was saved as %s", value, data)
		}
	}
}
