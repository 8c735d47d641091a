package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// A probe is what a case works with: the store, watched, and tools to say
// briefly what is expected of it.
type probe struct {
	*testing.T
	store.Store
	inner  store.Store // the store itself, for its capabilities
	o      *Options
	ctx    context.Context
	prefix string
	timed  bool // as the case is
	// skipped is why the case was skipped: a bubble does not tell the test
	// around it.
	skipped *string
	lacks   *Capability // the capability for want of which it was
}

func newProbe(t *testing.T, s store.Store, o *Options) *probe {
	p := &probe{T: t, inner: s, o: o, ctx: t.Context(),
		prefix: "storetest:" + rand.Text()[:12] + ":", skipped: new(string)}
	p.Store = &watch{s, p}
	t.Cleanup(func() {
		if err := store.Close(s); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return p
}

// has reports whether s has the capability c.
func has(s store.Store, c Capability) bool {
	ok := false
	switch c {
	case BatchLoader:
		_, ok = s.(store.BatchLoader)
	case BatchSaver:
		_, ok = s.(store.BatchSaver)
	case Lister:
		_, ok = s.(store.Lister)
	case Cleaner:
		_, ok = s.(store.Cleaner)
	case Pinger:
		_, ok = s.(store.Pinger)
	case Closer:
		_, ok = s.(io.Closer)
	}
	return ok
}

// unable ends a case for which the store lacks a capability: a failure if it
// is required, else a skip.
func (p *probe) unable(c Capability, err error) {
	p.Helper()
	if slices.Contains(p.o.Require, c) {
		p.Fatalf("capability %s is required: %v", c, err)
	}
	*p.lacks = c
	p.skip("SKIPPED, NO CAPABILITY: %v", err)
}

// skip ends the case without a verdict, and says so.
func (p *probe) skip(format string, args ...any) {
	p.Helper()
	*p.skipped = fmt.Sprintf(format, args...)
	p.SkipNow()
}

// supported ends the case if err says that the capability cannot be served.
func (p *probe) supported(c Capability, err error) {
	p.Helper()
	if errors.Is(err, store.ErrUnsupported) {
		p.unable(c, err)
	}
}

// key returns a key that nobody else uses and that ends in name.
func (p *probe) key(name string) string { return p.prefix + name }

// life is a lifetime that a case can wait for. Where time is real it is long
// enough for a few calls on a busy machine: longer in the timed cases, which
// wait side by side.
func (p *probe) life() time.Duration {
	switch {
	case p.o.RealTime && p.timed:
		return 2*time.Second + p.o.Precision
	case p.o.RealTime:
		return time.Second + p.o.Precision
	}
	return time.Hour
}

// soon is an expiry that a case can wait for.
func (p *probe) soon() time.Time { return time.Now().Add(p.life()) }

// far is an expiry that no case reaches.
func (p *probe) far() time.Time { return time.Now().Add(1000 * time.Hour).Round(time.Second) }

// justBefore waits until a record that expires at t must still be there.
func (p *probe) justBefore(t time.Time) {
	margin := time.Nanosecond
	if p.o.RealTime {
		margin = 700 * time.Millisecond // for the way to a server that is busy
	}
	time.Sleep(time.Until(t) - margin)
}

// past waits until a record that expires at t must be gone.
func (p *probe) past(t time.Time) {
	margin := p.o.Precision
	if p.o.RealTime {
		margin += 20 * time.Millisecond
	}
	time.Sleep(time.Until(t) + margin)
}

// record returns a record to save.
func record(data string, expires time.Time) store.Record {
	return store.Record{Data: []byte(data), Expires: expires}
}

// create saves a new record and returns it as stored.
func (p *probe) create(key, data string, expires time.Time) store.Record {
	p.Helper()
	return p.save(key, store.Record{}, record(data, expires))
}

// save saves and returns the record as stored.
func (p *probe) save(key string, prev, next store.Record) store.Record {
	p.Helper()
	r, err := p.Save(p.ctx, key, prev, next)
	if err != nil {
		p.Fatalf("Save = %v, want nil", err)
	}
	return r
}

// touch moves an expiry on.
func (p *probe) touch(key string, prev store.Record, expires time.Time) {
	p.Helper()
	if err := p.Touch(p.ctx, key, prev, expires); err != nil {
		p.Fatalf("Touch = %v, want nil", err)
	}
}

// remove deletes a record.
func (p *probe) remove(key string) {
	p.Helper()
	if err := p.Delete(p.ctx, key); err != nil {
		p.Fatalf("Delete = %v, want nil", err)
	}
}

// load loads a record that must be there.
func (p *probe) load(key string) store.Record {
	p.Helper()
	r, err := p.Load(p.ctx, key)
	if err != nil {
		p.Fatalf("Load = %v, want the record", err)
	}
	return r
}

// holds checks that the record of key is there with data and expiry.
func (p *probe) holds(key, data string, expires time.Time) store.Record {
	p.Helper()
	r := p.load(key)
	p.same("Load", r, data, expires)
	return r
}

// same checks one record that the operation op returned.
func (p *probe) same(op string, r store.Record, data string, expires time.Time) {
	p.Helper()
	if string(r.Data) != data {
		p.Errorf("%s: data is %s, want %s", op, brief(string(r.Data)), brief(data))
	}
	if !p.agree(r.Expires, expires) {
		p.Errorf("%s: expiry is %v, want %v and at most %v later", op, r.Expires, expires, p.o.Precision)
	}
}

// agree reports whether the expiry got is as good as the expiry want.
func (p *probe) agree(got, want time.Time) bool {
	if got.IsZero() || want.IsZero() {
		return got.IsZero() && want.IsZero()
	}
	return !got.Before(want) && !got.After(want.Add(p.o.Precision))
}

// gone checks that there is no record of key.
func (p *probe) gone(key string) {
	p.Helper()
	r, err := p.Load(p.ctx, key)
	if !errors.Is(err, store.ErrNotFound) {
		p.Errorf("Load = %s, error %v, want ErrNotFound", brief(string(r.Data)), err)
	}
}

// conflicts checks that a Save is refused because prev is not there any more.
func (p *probe) conflicts(key string, prev, next store.Record) {
	p.Helper()
	if _, err := p.Save(p.ctx, key, prev, next); !errors.Is(err, store.ErrConflict) {
		p.Errorf("Save = %v, want ErrConflict", err)
	}
}

// brief shortens data for a message.
func brief(data string) string {
	if len(data) <= 40 {
		return strings.ToValidUTF8(data, "?")
	}
	return strings.ToValidUTF8(data[:40], "?") + "…"
}

// watch passes calls on to a store and checks what holds for every call.
type watch struct {
	store.Store
	p *probe
}

func (w *watch) Load(ctx context.Context, key string) (store.Record, error) {
	r, err := w.Store.Load(ctx, key)
	w.p.discreet("Load", err, key, nil, nil)
	if err == nil && r.Data == nil {
		w.p.Errorf("Load: Data is nil in a record that exists")
	}
	return r, err
}

func (w *watch) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	r, err := w.Store.Save(ctx, key, prev, next)
	w.p.discreet("Save", err, key, prev.Data, next.Data)
	return r, err
}

func (w *watch) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	err := w.Store.Touch(ctx, key, prev, expires)
	w.p.discreet("Touch", err, key, prev.Data, nil)
	return err
}

func (w *watch) Delete(ctx context.Context, key string) error {
	err := w.Store.Delete(ctx, key)
	w.p.discreet("Delete", err, key, nil, nil)
	return err
}

// discreet checks that an error gives away neither a key nor data: errors are
// logged, and a key opens a session.
func (p *probe) discreet(op string, err error, key string, prev, next []byte) {
	if err == nil {
		return
	}
	text := err.Error() + store.Advice(err)
	for _, s := range [][]byte{[]byte(key), prev, next} {
		// Less may stand in the message by chance.
		if len(s) >= 8 && strings.Contains(text, string(s[:min(len(s), 100)])) {
			p.Errorf("%s: the error contains the key or data: %s", op, text)
			return
		}
	}
}
