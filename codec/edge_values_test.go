package codec_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/codec"
)

// A zone that text has no offset for comes back as the same moment.
func TestTimeInAnyZone(t *testing.T) {
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		for _, offset := range []int{0, 3600, -86340, 86340, 86400, -86400, 90 * 3600, 1} {
			at := time.Date(2024, 2, 29, 12, 34, 56, 0, time.FixedZone("x", offset))
			raw, err := c.Marshal(nil, at)
			if err != nil {
				t.Fatal(err)
			}
			var got time.Time
			if err := c.Unmarshal(raw, &got); err != nil || !got.Equal(at) {
				t.Errorf("%s, %d seconds from UTC: %q became %v, %v", c.Name(), offset, raw, got, err)
			}
		}
	}
}

// The shortest text of the largest float32 is a little more than it.
func TestLargestFloat32(t *testing.T) {
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		for _, f := range []float32{math.MaxFloat32, -math.MaxFloat32} {
			raw, err := c.Marshal(nil, f)
			if err != nil {
				t.Fatal(err)
			}
			var got float32
			if err := c.Unmarshal(raw, &got); err != nil || got != f {
				t.Errorf("%s: %q became %v, %v", c.Name(), raw, got, err)
			}
		}
		raw, err := c.Marshal(nil, 1e300)
		if err != nil {
			t.Fatal(err)
		}
		var got float32
		if err := c.Unmarshal(raw, &got); !errors.Is(err, codec.ErrType) {
			t.Errorf("%s: 1e300 as float32: %v, %v", c.Name(), got, err)
		}
	}
}
