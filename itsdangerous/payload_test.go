package itsdangerous_test

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/itsdangerous"
)

func deflated(data []byte) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func TestInflateLimit(t *testing.T) {
	data := deflated(bytes.Repeat([]byte("A"), 1000))
	for _, limit := range []int{1000, 1001, math.MaxInt} {
		if got, err := itsdangerous.Inflate(data, limit); err != nil || len(got) != 1000 {
			t.Errorf("limit %d: %d bytes, %v", limit, len(got), err)
		}
	}
	for _, limit := range []int{1, 999} {
		got, err := itsdangerous.Inflate(data, limit)
		if !errors.Is(err, itsdangerous.ErrTooLarge) || !errors.Is(err, itsdangerous.ErrBadPayload) || got != nil {
			t.Errorf("limit %d: %d bytes, %v", limit, len(got), err)
		}
	}
	if _, err := itsdangerous.Inflate(deflated(make([]byte, 1<<20)), 0); err != nil {
		t.Errorf("1 MiB under the default limit: %v", err)
	}
	if _, err := itsdangerous.Inflate(deflated(make([]byte, 1<<20+1)), 0); !errors.Is(err, itsdangerous.ErrTooLarge) {
		t.Errorf("more than 1 MiB under the default limit: %v", err)
	}
}

func TestBombAllocatesWithinTheLimit(t *testing.T) {
	bomb := deflated(make([]byte, 8<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := itsdangerous.Inflate(bomb, 100_000)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, itsdangerous.ErrTooLarge) {
		t.Error(err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 2<<20 {
		t.Errorf("allocated %d bytes", got)
	}
}

func TestBadDeflate(t *testing.T) {
	good := deflated([]byte(`{"a":1}`))
	for name, data := range map[string][]byte{
		"nothing": {}, "half a header": good[:1], "a header": good[:2], "truncated": good[:len(good)-5],
		"without checksum": good[:len(good)-4], "bad checksum": append(good[:len(good)-1:len(good)-1], 0),
		"no zlib": []byte("garbage"), "dictionary": {0x78, 0xbb, 1, 2, 3, 4, 5, 6},
	} {
		_, err := itsdangerous.Inflate(data, 0)
		if got := class(t, err); got != "BadPayload" || errors.Is(err, itsdangerous.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := itsdangerous.Inflate(append(good, "more"...), 0); err != nil || string(got) != `{"a":1}` {
		t.Errorf("with trailing bytes: %q, %v", got, err)
	}
}

func TestDeflateOnlyIfShorter(t *testing.T) {
	s := must(itsdangerous.NewURLSafeSerializer(itsdangerous.Secret("dev"), itsdangerous.Options{MaxInflated: 2000}))
	var shorter int
	for n := range 120 {
		payload := bytes.Repeat([]byte("A"), n)
		want := len(deflated(payload)) < n-1
		if want {
			shorter++
		}
		got := s.DumpsRaw(payload)
		if strings.HasPrefix(got, ".") != want && n > 0 {
			t.Errorf("%d bytes: deflated %v, want %v", n, !want, want)
		}
		if back, err := s.LoadsRaw(got); err != nil || !bytes.Equal(back, payload) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if shorter < 80 {
		t.Errorf("deflated only %d", shorter)
	}
	// Beyond the limit it would not be read back, so it stays as it is.
	for n, want := range map[int]bool{2000: true, 2001: false} {
		payload := bytes.Repeat([]byte("A"), n)
		got := s.DumpsRaw(payload)
		if back, err := s.LoadsRaw(got); strings.HasPrefix(got, ".") != want || err != nil || len(back) != n {
			t.Errorf("%d bytes: deflated %v, read back %d, %v", n, !want, len(back), err)
		}
	}
}

func TestPayloadErrorsAreVerifiedAndDated(t *testing.T) {
	o := itsdangerous.Options{Now: at(signedAt)}
	dev := itsdangerous.Secret("dev")
	s := must(itsdangerous.NewURLSafeTimedSerializer(dev, o))
	o.Salt = "itsdangerous"
	signer := must(itsdangerous.NewTimestampSigner(dev, o))
	for name, payload := range map[string]string{"base64": "A", "zlib": ".AAAA", "JSON": "AAAA"} {
		var v any
		date, err := s.Loads(signer.Sign(payload), &v, 0)
		if got := class(t, err); got != "BadPayload" || !date.IsZero() {
			t.Fatalf("%s: %v of %v", name, err, date)
		}
		e, _ := errors.AsType[*itsdangerous.Error](err)
		if p, _ := e.Payload(); !e.Verified() || e.Date().Unix() != signedAt || p != payload {
			t.Errorf("%s: verified %v, date %v, payload %q", name, e.Verified(), e.Date(), p)
		}
		if name == "zlib" && !errors.Is(err, zlib.ErrHeader) {
			t.Errorf("the cause is lost: %v", err)
		}
	}
}

func TestCodecErrorIsKeptOutOfTheMessage(t *testing.T) {
	s := must(itsdangerous.NewSerializer(itsdangerous.Secret("dev"), itsdangerous.Options{}))
	var n int8
	err := s.Loads(must(s.Dumps(4711)), &n)
	if strings.Contains(err.Error(), "4711") {
		t.Errorf("quotes the value: %v", err)
	}
	if cause, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok || !strings.Contains(cause.Error(), "4711") {
		t.Errorf("the cause is lost: %v", cause)
	}
	if _, err := s.Dumps(func() {}); err == nil {
		t.Error("a function was serialized")
	}
}

func TestJSONSpelling(t *testing.T) {
	dev := itsdangerous.Secret("dev")
	plain := must(itsdangerous.NewSerializer(dev, itsdangerous.Options{}))
	compact := must(itsdangerous.NewURLSafeSerializer(dev, itsdangerous.Options{}))
	value := map[string]any{"a,b:": []any{1, "é\u2028<\U0001f600\x7f"}, `\"`: map[string]any{}}
	signed := must(plain.Dumps(value))
	want := `{"\\\"": {}, "a,b:": [1, "\u00e9\u2028<\ud83d\ude00\u007f"]}.`
	if got := signed[:len(want)]; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got := must(compact.LoadsRaw(must(compact.Dumps(value))))
	if want := "{\"\\\\\\\"\":{},\"a,b:\":[1,\"é\u2028<\U0001f600\x7f\"]}"; string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestConcurrentUse shares one serializer among goroutines, for the race
// detector and for buffers that must not be shared.
func TestConcurrentUse(t *testing.T) {
	s := must(itsdangerous.NewURLSafeTimedSerializer(itsdangerous.Secret("old", "new"), itsdangerous.Options{}))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			want := strings.Repeat(string(rune('a'+i)), 1+i*40)
			for range 50 {
				var got string
				if _, err := s.Loads(must(s.Dumps(want)), &got, time.Hour); err != nil || got != want {
					t.Errorf("got %q, %v", got, err)
					return
				}
				if _, err := s.Loads(want, &got, 0); err == nil {
					t.Error("accepted what nobody signed")
				}
			}
		})
	}
	wg.Wait()
}
