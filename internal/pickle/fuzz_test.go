package pickle

import (
	"bytes"
	"errors"
	"testing"
)

// fuzzLimits keep one round of fuzzing short.
var fuzzLimits = Limits{Nodes: 1 << 12, Stack: 1 << 12}

func addSeeds(f *testing.F) {
	vs := loadVectors(f)
	for _, v := range vs.Values {
		for _, s := range []stored{v.Redis, v.Memcached} {
			if s.data != nil && len(s.data) < 500 {
				f.Add(s.data)
			}
		}
	}
	for _, list := range [][]sample{vs.DecodeOnly, vs.Malformed, vs.Hostile} {
		for _, s := range list {
			if len(s.Stored.data) < 500 {
				f.Add(s.Stored.data)
			}
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Unmarshal(data, fuzzLimits)
		if err != nil {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Offset < 0 || e.Offset > len(data) {
				t.Fatalf("bad error: %v", err)
			}
			return
		}
		if again, err := Unmarshal(data, fuzzLimits); err != nil || exactly(again) != exactly(v) {
			t.Fatalf("second time: %v, %v", again, err)
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Unmarshal(data, fuzzLimits)
		if err != nil {
			return
		}
		for protocol := range HighestProtocol + 1 {
			out, err := Append(nil, v, protocol)
			if protocol < 2 && errors.Is(err, ErrLimit) {
				continue // an integer of more digits than Python reads
			}
			if err != nil {
				t.Fatalf("protocol %d: %v", protocol, err)
			}
			back, err := Unmarshal(out, Limits{})
			if err != nil {
				t.Fatalf("protocol %d: %v in %q", protocol, err, out)
			}
			got, want := describe(back), describe(v)
			if got != want {
				t.Fatalf("protocol %d: %s", protocol, difference(got, want))
			}
			again, err := Append(nil, back, protocol)
			if err != nil || !bytes.Equal(again, out) {
				t.Fatalf("protocol %d: not stable:\n%q\n%q %v", protocol, out, again, err)
			}
		}
	})
}

func FuzzSplitJoin(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Unmarshal(data, fuzzLimits)
		parts, splitErr := Split(nil, data, fuzzLimits)
		d, isDict := v.(*Dict)
		if (splitErr == nil) != (err == nil && isDict) {
			t.Fatalf("unmarshal: %T, %v; split: %v", v, err, splitErr)
		}
		if splitErr != nil {
			return
		}
		if len(parts) != d.Len() {
			t.Fatalf("%d parts of %d", len(parts), d.Len())
		}
		out, err := Join(nil, parts, 4)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Unmarshal(out, Limits{})
		if err != nil || describe(back) != describe(v) {
			t.Fatalf("joined: %v, %s", err, difference(describe(back), describe(v)))
		}
	})
}
