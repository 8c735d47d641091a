package storetest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func dataCases() []testCase {
	return []testCase{
		{name: "absent", run: dataAbsent,
			rule: "Load answers ErrNotFound if there is no record"},
		{name: "round trip", run: dataRoundTrip,
			rule: "Load returns what was saved"},
		{name: "empty data is a record", run: dataEmpty,
			rule: "Data may be empty, and is never nil in a record that exists"},
		{name: "every byte", run: dataEveryByte,
			rule: "data is opaque: each of the 256 byte values comes back as it was"},
		{name: "large", run: dataLarge,
			rule: "a record as large as the store promises comes back whole"},
		{name: "too large", run: dataTooLarge,
			rule: "a record that the store cannot hold is answered with ErrTooLarge and advice for the operator, and changes nothing"},
		{name: "loads do not disturb one another", run: dataLoadsApart,
			rule: "nobody changes the bytes behind Data after Load or Save returned them"},
		{name: "Save leaves its arguments alone", run: dataArguments,
			rule: "the store changes neither prev's nor next's bytes"},
	}
}

func dataAbsent(p *probe) { p.gone(p.key("absent")) }

func dataRoundTrip(p *probe) {
	key, far := p.key("k"), p.far()
	p.create(key, "some data", far)
	p.holds(key, "some data", far)
}

func dataEmpty(p *probe) {
	key, far := p.key("k"), p.far()
	r := p.create(key, "", far)
	if !r.Exists() {
		p.Errorf("Save: Exists is false for a record with empty data")
	}
	prev := p.holds(key, "", far)
	p.conflicts(key, store.Record{}, record("new", far))
	p.save(key, prev, record("more", far))
	prev = p.holds(key, "more", far)
	p.save(key, prev, record("", far))
	p.holds(key, "", far)
}

func dataEveryByte(p *probe) {
	var all strings.Builder
	for i := range 256 {
		all.WriteByte(byte(i))
	}
	data, far := all.String(), p.far()
	// At the ends too, where some servers trim.
	for i, d := range []string{data, "\x00", "\r\n", " x ", "\xff\xfe", data + data + "\n", "'\"\\%s", "END\r\n"} {
		key := p.key("every") + string(rune('a'+i))
		prev := p.create(key, d, far)
		p.holds(key, d, far)
		// The bytes are also compared as they are.
		p.save(key, prev, record(d+"!", far))
		p.holds(key, d+"!", far)
	}
}

func dataLarge(p *probe) {
	key, far := p.key("k"), p.far()
	for _, size := range []int{1 << 10, 1<<16 - 1, 1 << 16, p.o.MaxRecord} {
		if size > p.o.MaxRecord {
			continue
		}
		data := pattern(size)
		r := p.create(key, string(data), far)
		if !bytes.Equal(r.Data, data) {
			p.Errorf("Save: %d bytes came back changed", size)
		}
		prev := p.load(key)
		if !bytes.Equal(prev.Data, data) {
			p.Errorf("Load: %d bytes came back changed", size)
		}
		data[size-1]++
		p.save(key, prev, store.Record{Data: data, Expires: far})
		if got := p.load(key).Data; !bytes.Equal(got, data) {
			p.Errorf("Load: %d bytes came back changed after a replacement", size)
		}
		p.remove(key)
	}
}

func dataTooLarge(p *probe) {
	if p.o.TooLarge == 0 {
		p.skip("SKIPPED, NO LIMIT: Options.TooLarge is not set")
	}
	far := p.far()
	big := store.Record{Data: pattern(p.o.TooLarge), Expires: far}
	_, err := p.Save(p.ctx, p.key("new"), store.Record{}, big)
	if !errors.Is(err, store.ErrTooLarge) {
		p.Errorf("Save of a new record = %v, want ErrTooLarge", err)
	} else if store.Advice(err) == "" {
		p.Errorf("Save of a new record = %v without advice", err)
	}
	p.gone(p.key("new"))

	key := p.key("old")
	prev := p.create(key, "small", far)
	if _, err := p.Save(p.ctx, key, prev, big); !errors.Is(err, store.ErrTooLarge) {
		p.Errorf("Save over a record = %v, want ErrTooLarge", err)
	}
	p.save(key, p.holds(key, "small", far), record("still works", far))
}

func dataLoadsApart(p *probe) {
	key, far := p.key("k"), p.far()
	saved := p.create(key, "first data", far)
	first := p.load(key)
	p.save(key, first, record("other data", far))
	second := p.load(key)
	p.touch(key, second, far.Add(time.Hour))
	p.remove(key)
	p.create(p.key("l"), "third data", far)
	p.create(key, "more bytes", far)
	p.load(key)
	for _, c := range []struct {
		what, got, want string
	}{
		{"that Save returned", string(saved.Data), "first data"},
		{"of the first Load", string(first.Data), "first data"},
		{"of the second Load", string(second.Data), "other data"},
	} {
		if c.got != c.want {
			p.Errorf("data %s became %q, want %q", c.what, c.got, c.want)
		}
	}
	// Appending to loaded data must not reach into what the store holds.
	r := p.load(key)
	_ = append(r.Data, "overrun"...)
	p.holds(key, "more bytes", far)
	p.holds(p.key("l"), "third data", far)
}

func dataArguments(p *probe) {
	key, far := p.key("k"), p.far()
	next := record("first data", far)
	prev := p.save(key, store.Record{}, next)
	after := record("second one", far)
	p.save(key, prev, after)
	for _, c := range []struct{ what, got, want string }{
		{"next of the first Save", string(next.Data), "first data"},
		{"prev", string(prev.Data), "first data"},
		{"next of the second Save", string(after.Data), "second one"},
	} {
		if c.got != c.want {
			p.Errorf("%s became %q, want %q", c.what, c.got, c.want)
		}
	}
}

// pattern returns size bytes that neither repeat nor compress.
func pattern(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return b
}
