package cloakroom

import "github.com/cloakroom/cloakroom/codec"

// draft is what a request wants to change.
type draft struct {
	changes    []change
	cleared    uint32 // generation of Clear, 0 if not called
	regenerate uint32 // likewise
	permanent  permanence
	flash      *flashes
	ended      []ended // sessions to destroy
}

type permanence struct {
	gen   uint32
	value bool
}

type ended struct {
	key, handle string
}

// change is one value set or deleted.
type change struct {
	name   string
	raw    []byte // in the Manager's codec; nil if deleted
	steps  []step // of Update, which led to raw from where they began
	from   []byte // the value in the base where they began
	ground uint32 // generation of the Set, Delete or Clear where they began instead, 0 if in the base
	gen    uint32
}

// A step computes a value from the raw bytes of the one before, nil if there
// is none.
type step func(codec.Codec, []byte) ([]byte, error)

func (d *draft) dirty() bool {
	return len(d.changes) > 0 || d.cleared != 0 || d.permanent.gen != 0 || d.flash.dirty()
}

func (d *draft) pending() bool {
	return d.dirty() || d.regenerate != 0 || len(d.ended) > 0
}

func (d *draft) find(name string) *change {
	for i := range d.changes {
		if d.changes[i].name == name {
			return &d.changes[i]
		}
	}
	return nil
}

// put records a change of one value.
func (d *draft) put(c change) {
	if old := d.find(c.name); old != nil {
		*old = c
		return
	}
	if d.changes == nil {
		d.changes = make([]change, 0, 2)
	}
	d.changes = append(d.changes, c)
}

// rebase runs the functions given to Update again wherever the value that they
// began with is no longer the one in b. own is the codec that changes are in.
func (d *draft) rebase(b *base, own codec.Codec) error {
	for i := range d.changes {
		c := &d.changes[i]
		raw, rawCodec := b.find(c.name)
		if c.ground != 0 || sameBytes(raw, c.from) {
			continue
		}
		c.from = raw
		for _, st := range c.steps {
			var err error
			if raw, err = st(rawCodec, raw); err != nil {
				return err
			}
			rawCodec = own
		}
		c.raw = raw
	}
	return nil
}
