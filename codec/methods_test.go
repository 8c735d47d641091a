package codec

import (
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"testing"
)

// mark has its methods on the pointer and nothing that could be written but by
// them.
type mark struct{ text string }

func (m *mark) MarshalText() ([]byte, error) { return []byte(m.text), nil }
func (m *mark) UnmarshalText(b []byte) error { m.text = string(b); return nil }

type pair struct{ a, b int }

func (p *pair) MarshalJSON() ([]byte, error) { return json.Marshal([]int{p.a, p.b}) }
func (p *pair) UnmarshalJSON(b []byte) error {
	var list []int
	err := json.Unmarshal(b, &list)
	if err == nil && len(list) == 2 {
		p.a, p.b = list[0], list[1]
	}
	return err
}

// A value writes itself by a method of its pointer wherever it stands, also
// where Go cannot take its address.
func TestMethodsOfThePointer(t *testing.T) {
	for _, c := range []Codec{MsgPack, JSON} {
		throughMethods(t, c, *big.NewRat(1, 3))
		throughMethods(t, c, mark{"x"})
		throughMethods(t, c, &mark{"x"})
		throughMethods(t, c, []mark{{"x"}, {"y"}})
		throughMethods(t, c, [1]mark{{"x"}})
		throughMethods(t, c, map[string]mark{"a": {"x"}})
		throughMethods(t, c, map[mark]int{{"x"}: 1})
		throughMethods(t, c, struct{ M mark }{mark{"x"}})
	}
	throughMethods(t, JSON, pair{1, 2})
	throughMethods(t, JSON, map[string]pair{"a": {1, 2}})
}

type sealedBox struct{ cents int }

// A struct that shows nothing of itself would come back empty.
func TestStructsWithoutExportedFields(t *testing.T) {
	for _, c := range []Codec{MsgPack, JSON} {
		for _, v := range []any{sealedBox{5}, &sealedBox{5}, []sealedBox{{5}}, struct{ B sealedBox }{}} {
			if raw, err := c.Marshal(nil, v); !errors.Is(err, ErrType) {
				t.Errorf("%s: %T was written as %q, error %v", c.Name(), v, raw, err)
			}
		}
		for _, v := range []any{struct{}{}, map[string]struct{}{"a": {}}, struct {
			box *sealedBox
			N   int
		}{}, struct {
			B sealedBox `json:"-"`
		}{}, (*sealedBox)(nil)} {
			if _, err := c.Marshal(nil, v); err != nil {
				t.Errorf("%s: %T: %v", c.Name(), v, err)
			}
		}
	}
}

func throughMethods[T any](t *testing.T, c Codec, v T) {
	t.Helper()
	raw, err := c.Marshal(nil, v)
	if err != nil {
		t.Errorf("%s: %T: %v", c.Name(), v, err)
		return
	}
	if got, err := Value[T](c, raw); err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("%s: %T: got %v and error %v, want %v", c.Name(), v, got, err, v)
	}
}
