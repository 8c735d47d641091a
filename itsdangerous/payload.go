package itsdangerous

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
)

// packer turns payloads into the text that is signed, and back. The plain
// kind leaves them as they are; the URL-safe kind writes base64url, of the
// deflated payload behind a "." if that is shorter.
type packer struct {
	urlSafe   bool
	limit     int       // bytes after inflating
	deflaters sync.Pool // of *deflater; a flate writer is a megabyte
	inflaters sync.Pool // of *inflater
}

func newPacker(o *Options, urlSafe bool) *packer {
	limit := min(cmp.Or(o.MaxInflated, DefaultMaxInflated), math.MaxInt-1) // one more is read
	return &packer{urlSafe: urlSafe, limit: limit}
}

func (p *packer) pack(data []byte) string {
	if !p.urlSafe {
		return string(data)
	}
	if d := p.deflate(data); d != nil {
		defer p.deflaters.Put(d)
		return "." + base64.RawURLEncoding.EncodeToString(d.out.Bytes())
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func (p *packer) unpack(text string) ([]byte, *Error) {
	if !p.urlSafe {
		return []byte(text), nil
	}
	text, deflated := strings.CutPrefix(text, ".")
	data, err := decodeBase64(text)
	if err != nil {
		return nil, &Error{why: "the payload is not base64", kind: ErrBadPayload, cause: err}
	}
	if !deflated {
		return data, nil
	}
	return p.inflate(data)
}

// shortest is the length up to which deflating never pays: zlib's header,
// checksum and the shortest block that can hold anything take 10 bytes, and it
// has to be shorter by more than the dot.
const shortest = 11

type deflater struct {
	out bytes.Buffer
	w   *zlib.Writer
}

// deflate returns the deflated data, in a deflater to be put back into the
// pool, or nil if it should be written as it is.
func (p *packer) deflate(data []byte) *deflater {
	// What this serializer would refuse to inflate, it must not deflate.
	if len(data) <= shortest || len(data) > p.limit {
		return nil
	}
	d, _ := p.deflaters.Get().(*deflater)
	if d == nil {
		d = new(deflater)
		d.w = zlib.NewWriter(&d.out)
	}
	d.out.Reset()
	d.w.Reset(&d.out)
	d.w.Write(data) // a bytes.Buffer never fails
	d.w.Close()
	if d.out.Len() < len(data)-1 {
		return d
	}
	p.deflaters.Put(d)
	return nil
}

type inflater struct {
	in bytes.Reader
	r  io.ReadCloser // also a zlib.Resetter
}

// inflate inflates data up to the limit. Bytes after the end of the zlib
// stream are ignored, as Python does.
func (p *packer) inflate(data []byte) ([]byte, *Error) {
	const bad = "the payload cannot be inflated"
	f, _ := p.inflaters.Get().(*inflater)
	if f == nil {
		f = new(inflater)
	}
	f.in.Reset(data)
	defer func() {
		f.in.Reset(nil)
		p.inflaters.Put(f)
	}()
	if err := f.reset(); err != nil {
		return nil, &Error{why: bad, kind: ErrBadPayload, cause: err}
	}
	var out bytes.Buffer
	// Room for what JSON usually inflates to; the rest grows as it comes, so
	// that no length a sender claims is believed.
	out.Grow(min(p.limit, 4*len(data)) + bytes.MinRead)
	n, err := out.ReadFrom(io.LimitReader(f.r, int64(p.limit)+1))
	switch {
	case n > int64(p.limit):
		return nil, &Error{why: fmt.Sprintf("the payload inflates to more than %d bytes", p.limit), kind: ErrTooLarge}
	case err != nil:
		return nil, &Error{why: bad, kind: ErrBadPayload, cause: err}
	}
	return out.Bytes(), nil
}

func (f *inflater) reset() (err error) {
	if r, ok := f.r.(zlib.Resetter); ok {
		err = r.Reset(&f.in, nil)
	} else {
		f.r, err = zlib.NewReader(&f.in)
	}
	return err
}
