package ledger

import "slices"

// Rebase prepares d for b, which may be newer than the base that d was made
// on: the functions given to Update run again wherever the value that they
// began with is no longer the one in b.
func (d *Draft) Rebase(st *Style, b *Base) error {
	for i := range d.changes {
		c := &d.changes[i]
		raw, rawCodec := b.Find(c.name)
		if c.origin != 0 || same(raw, c.from) {
			continue
		}
		c.from = raw
		for _, step := range c.steps {
			var err error
			if raw, rawCodec, err = step(rawCodec, raw, st.CodecOf(b)); err != nil {
				return err
			}
		}
		c.raw, c.codec = raw, rawCodec
	}
	return nil
}

// Snapshot returns d as it is now. Neither of the two changes with the other.
func (d *Draft) Snapshot() Draft {
	s := *d
	s.changes, s.places = slices.Clone(d.changes), nil
	for i := range s.changes {
		c := &s.changes[i]
		c.steps = slices.Clip(c.steps) // Update appends to d's
	}
	s.flashes = d.flashes.clone()
	return s
}

// Forget removes from d what was in an earlier snapshot of it and has been
// saved. What has changed since goes on from what was saved.
func (d *Draft) Forget(saved *Draft) {
	d.changes = slices.DeleteFunc(d.changes, func(c change) bool {
		old := saved.find(c.name)
		return old != nil && old.number == c.number
	})
	d.places = nil
	for i := range d.changes {
		d.changes[i].continueFrom(saved)
	}
	if d.cleared == saved.cleared {
		d.cleared = 0
	}
	if d.permanent.number == saved.permanent.number {
		d.ForgetPermanent()
	}
	for i := range d.own {
		if d.own[i].number == saved.own[i].number {
			d.own[i] = limit{}
		}
	}
	if d.login.number == saved.login.number {
		d.login = login{}
	}
	d.flashes.forget(saved.flashes)
}

// continueFrom makes c, of which an earlier state may have been saved, go on
// from that: the steps that were saved are in the base now, and those since
// then have to run on it, also if it has changed again.
func (c *change) continueFrom(saved *Draft) {
	done := 0
	if old := saved.find(c.name); old != nil {
		if old.origin != c.origin {
			return
		}
		done = len(old.steps)
	} else if c.origin == 0 || c.origin != saved.cleared {
		return
	}
	c.steps, c.from, c.origin = c.steps[done:], nil, 0
}

// Adopt takes over what a snapshot of d has come to that was rebased since. It
// reports false, and takes over nothing, if Update has been called meanwhile: its
// function has to run on the new base as well.
func (d *Draft) Adopt(rebased *Draft) bool {
	updated := func(c *change) *change {
		if old := rebased.find(c.name); old != nil && old.number == c.number {
			return old
		}
		return nil
	}
	for i := range d.changes {
		if c := &d.changes[i]; c.origin == 0 && updated(c) == nil {
			return false
		}
	}
	for i := range d.changes {
		if c := &d.changes[i]; c.origin == 0 {
			*c = *updated(c)
		}
	}
	return true
}
