package codec

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"
)

type (
	Base struct {
		ID   int `json:"id"`
		Name string
	}
	hidden struct {
		Visible string
		secret  string
	}
	Tagged struct {
		Name string `json:"Name"`
	}
	Untagged struct{ Name string }
	Deep     struct{ Base }
	Loop     struct {
		*Loop
		Name string
	}
	Label string
	Stamp struct{ time.Time }
)

// fortyTwo calls itself zero where others would not.
type fortyTwo int

func (f fortyTwo) IsZero() bool { return f == 42 }

// Which fields count is decided by the rules of encoding/json.
func TestFieldsCountAsInEncodingJSON(t *testing.T) {
	for name, v := range map[string]any{
		"embedded":               struct{ Base }{Base{1, "a"}},
		"embedded pointer":       struct{ *Base }{&Base{1, "a"}},
		"embedded nil pointer":   struct{ *Base }{},
		"embedded twice removed": struct{ Deep }{Deep{Base{1, "a"}}},
		"embedded with a name": struct {
			Base `json:"base"`
		}{Base{1, "a"}},
		"embedded but skipped": struct {
			Base `json:"-"`
		}{Base{1, "a"}},
		"embedded, not exported":     struct{ hidden }{hidden{"a", "b"}},
		"embedded that is no struct": struct{ Label }{"a"},
		"shadowed": struct {
			Base
			Name int
		}{Base{1, "a"}, 2},
		"shadowed by a tag": struct {
			Base
			Other int `json:"id"`
		}{Base{1, "a"}, 2},
		"conflict": struct {
			Base
			Untagged
		}{Base{1, "a"}, Untagged{"b"}},
		"conflict that a tag decides": struct {
			Base
			Tagged
		}{Base{1, "a"}, Tagged{"b"}},
		"conflict of three": struct {
			Base
			Tagged
			Untagged
		}{},
		"conflict below another": struct {
			Deep
			Untagged
		}{Deep{Base{1, "a"}}, Untagged{"b"}},
		"embeds itself": Loop{Loop: &Loop{Name: "in"}, Name: "out"},
		"embedded time": struct{ T Stamp }{},
		"named dash": struct {
			//lint:ignore SA5008 the odd tag is the case
			A int `json:"-,"`
		}{1},
		"omitempty": struct {
			A int         `json:",omitempty"`
			B []int       `json:",omitempty"`
			C map[int]int `json:",omitempty"`
			D *int        `json:",omitempty"`
			E [0]int      `json:",omitempty"`
			F struct{}    `json:",omitempty"`
			G any         `json:",omitempty"`
			H bool        `json:",omitempty"`
			I string      `json:",omitempty"`
		}{},
		"omitempty, nothing empty": struct {
			A int  `json:",omitempty"`
			D *int `json:",omitempty"`
		}{1, new(int)},
		"omitzero": struct {
			T time.Time       `json:",omitzero"`
			B []int           `json:",omitzero"`
			S struct{ X int } `json:",omitzero"`
			P *time.Time      `json:",omitzero"`
		}{B: []int{}},
		"omitzero by method": struct {
			A fortyTwo `json:"a,omitzero"`
			B fortyTwo `json:"b,omitzero"`
		}{42, 0},
		"not exported fields": hidden{"a", "b"},
		"tag msgpack is of no concern": struct {
			A int `msgpack:"b"`
		}{1},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			got, err := JSON.Marshal(nil, v)
			if err != nil || string(got) != string(want) {
				t.Errorf("written: got %s and error %v, want %s", got, err, want)
			}
			a, b := reflect.New(reflect.TypeOf(v)), reflect.New(reflect.TypeOf(v))
			if err := json.Unmarshal(want, a.Interface()); err != nil {
				t.Fatal(err)
			}
			if err := JSON.Unmarshal(want, b.Interface()); err != nil || !reflect.DeepEqual(a.Interface(), b.Interface()) {
				t.Errorf("read: got %+v and error %v, want %+v", b.Elem(), err, a.Elem())
			}
		})
	}
}

func TestEmbeddedPointerThatCannotBeMade(t *testing.T) {
	var v struct{ *hidden }
	if err := JSON.Unmarshal([]byte(`{"Visible":"a"}`), &v); !errors.Is(err, ErrType) {
		t.Errorf("got error %v, want ErrType", err)
	}
}

func TestMsgPackTagsComeFirst(t *testing.T) {
	v := struct {
		A int `json:"json" msgpack:"msgpack"`
		B int `json:"b"`
		C int `msgpack:"-" json:"c"`
		D int `msgpack:"d,omitempty" json:"dd"`
	}{1, 2, 3, 0}
	raw, err := MsgPack.Marshal(nil, v)
	if want := "\x82\xa7msgpack\x01\xa1b\x02"; err != nil || string(raw) != want {
		t.Errorf("got %q and error %v, want %q", raw, err, want)
	}
}
