package codec_test

import (
	"errors"
	"fmt"

	"github.com/cloakroom/cloakroom/codec"
)

// One value of a record is changed; the others stay byte for byte.
func Example() {
	record, _ := codec.JSON.Marshal(nil, map[string]any{"user": "ada", "visits": 41})

	fields, err := codec.JSON.Split(nil, record)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, f := range fields {
		if string(f.Name) == "visits" {
			n, _ := codec.Int64(codec.JSON, f.Raw)
			fields[i].Raw, _ = codec.JSON.Marshal(nil, n+1)
		}
	}
	record, _ = codec.JSON.Join(nil, fields)
	fmt.Println(string(record))
	// Output: {"user":"ada","visits":42}
}

// Values decode into the type that is asked for, in any codec.
func ExampleValue() {
	type item struct {
		SKU   string `json:"sku"`
		Count int    `json:"count"`
	}
	raw, _ := codec.MsgPack.Marshal(nil, []item{{"coat", 1}, {"hat", 2}})

	items, err := codec.Value[[]item](codec.MsgPack, raw)
	fmt.Println(items, err)

	_, err = codec.Value[string](codec.MsgPack, raw)
	fmt.Println(errors.Is(err, codec.ErrType))
	// Output:
	// [{coat 1} {hat 2}] <nil>
	// true
}

// Detect tells by its first bytes which codec a record is in.
func ExampleDetect() {
	for _, record := range []string{`{"user":"ada"}`, "\x81\xa4user\xa3ada", "something else"} {
		if c := codec.Detect([]byte(record), codec.MsgPack, codec.JSON); c != nil {
			fmt.Println(c.Name())
		} else {
			fmt.Println("unknown")
		}
	}
	// Output:
	// json
	// msgpack
	// unknown
}

// Convert moves a value from one codec to another, if nothing is lost.
func ExampleConvert() {
	raw, _ := codec.MsgPack.Marshal(nil, map[string]any{"sizes": []int{38, 40}})
	text, err := codec.Convert(nil, codec.JSON, codec.MsgPack, raw)
	fmt.Println(string(text), err)

	raw, _ = codec.MsgPack.Marshal(nil, []byte("JSON has no bytes"))
	_, err = codec.Convert(nil, codec.JSON, codec.MsgPack, raw)
	fmt.Println(err)
	// Output:
	// {"sizes":[38,40]} <nil>
	// codec: convert msgpack to json: type mismatch: JSON has no bytes
}
