package ledger

import "slices"

// flashes is what one request knows and does about the flash messages. In the
// record they are a list of pairs of category and message, as Flask keeps
// them.
type flashes struct {
	page
	past   []page          // earlier ones of this request
	parsed bool            // stored has been read from the record
	next   int             // order of the next message
	added  []message       // new in this request, not taken
	taken  []label         // to be removed from the record, beside those of page
	taking int             // how many of page are
	clears int             // calls of clear
	all    bool            // all categories have been read in this request
	read   map[string]bool // these have

	// dropped is how many messages the last merge left out, to keep within the
	// Style's bounds.
	dropped int
}

// A page is what the record held when it was read, and what has been handed out
// since then, until all that has been saved.
type page struct {
	stored *messages
	state  []uint8   // of each message of stored; nil if all are kept
	shown  []message // those that were never stored
}

const (
	kept    uint8 = iota // not shown
	taking               // shown, and to be removed from the record
	removed              // shown, and no longer in the record
)

// A message is a new one.
type message struct {
	label
	order int
}

func (f *flashes) dirty() bool {
	return f != nil && (f.taking > 0 || len(f.taken) > 0 || len(f.added) > 0)
}

func (f *flashes) clone() *flashes {
	if f == nil {
		return nil
	}
	c := *f
	c.past, c.shown, c.read = nil, nil, nil // nothing is saved of them
	c.added, c.taken, c.state = slices.Clone(f.added), slices.Clone(f.taken), slices.Clone(f.state)
	return &c
}

func (f *flashes) clear() {
	if f != nil {
		f.turn()
		f.added, f.taken, f.taking = nil, nil, 0
		f.parsed = true
		f.clears++
	}
}

// turn begins a new page.
func (f *flashes) turn() {
	if f.state != nil || f.shown != nil {
		f.past = append(f.past, f.page)
	}
	f.page = page{}
}

// Flash adds a message.
func (d *Draft) Flash(category, text string) {
	if d.flashes == nil {
		d.flashes = &flashes{}
	}
	f := d.flashes
	f.next++
	f.added = append(f.added, message{label{category, text}, f.next})
}

// Flashes yields the messages of the given categories, of all if none is
// given, oldest first, and takes them out of the session. Later calls for the
// same draft yield them again.
func (d *Draft) Flashes(b *Base, categories []string, yield func(category, text string)) {
	if d.flashes == nil {
		d.flashes = &flashes{}
	}
	f := d.flashes
	if !f.parsed {
		f.parsed = true
		if raw, c := b.Find(NameFlashes); raw != nil && d.cleared == 0 {
			f.stored = readMessages(c, raw)
		}
	}
	wanted := among(categories)
	f.take(categories, wanted)
	for i := range f.past {
		f.past[i].show(wanted, yield)
	}
	f.show(wanted, yield)
}

// among returns what tells the given categories from others. There may be as
// many as a program can think of.
func among(categories []string) func(string) bool {
	switch {
	case len(categories) == 0:
		return func(string) bool { return true }
	case len(categories) <= few:
		return func(c string) bool { return slices.Contains(categories, c) }
	}
	set := make(map[string]bool, len(categories))
	for _, c := range categories {
		set[c] = true
	}
	return func(c string) bool { return set[c] }
}

// take notes as shown the messages of categories that were not read before in
// this request.
func (f *flashes) take(categories []string, wanted func(string) bool) {
	if f.all {
		return
	}
	for i, m := range f.stored.labels {
		if f.state != nil && f.state[i] != kept || !wanted(m.category) || f.read[m.category] {
			continue
		}
		if f.state == nil {
			f.state = make([]uint8, f.stored.len())
		}
		f.state[i] = taking
		f.taking++
	}
	f.added = slices.DeleteFunc(f.added, func(m message) bool {
		if !wanted(m.category) || f.read[m.category] {
			return false
		}
		f.shown = append(f.shown, m)
		return true
	})
	slices.SortFunc(f.shown, func(a, b message) int { return a.order - b.order })
	if len(categories) == 0 {
		f.all = true
	}
	for _, c := range categories {
		if f.read == nil {
			f.read = make(map[string]bool)
		}
		f.read[c] = true
	}
}

// show yields what was handed out of a page. What was stored is older than what
// was not.
func (p *page) show(wanted func(string) bool, yield func(category, text string)) {
	if p.state != nil {
		for i, m := range p.stored.labels {
			if p.state[i] != kept && wanted(m.category) {
				yield(m.category, m.text)
			}
		}
	}
	for _, m := range p.shown {
		if wanted(m.category) {
			yield(m.category, m.text)
		}
	}
}

// forget is Draft.Forget for flash messages.
func (f *flashes) forget(saved *flashes) {
	if f == nil || saved == nil {
		return
	}
	if f.clears == saved.clears {
		f.taken = f.taken[len(saved.taken):]
		for i, s := range saved.state {
			if s == taking {
				f.state[i] = removed
				f.taking--
			}
		}
	}
	// Both lists are in order. What was added and saved, and is no longer to be
	// added, has been taken since: it is in the record now.
	left := f.added[:0]
	for _, m := range saved.added {
		for len(f.added) > 0 && f.added[0].order < m.order {
			left, f.added = append(left, f.added[0]), f.added[1:]
		}
		if len(f.added) > 0 && f.added[0].order == m.order {
			f.added = f.added[1:]
		} else {
			f.taken = append(f.taken, m.label)
		}
	}
	f.added = append(left, f.added...)
	if !f.dirty() {
		f.turn() // and read the rest anew from the base
		f.parsed = false
	}
}

// DroppedFlashes returns how many flash messages, the oldest ones, the last
// Apply left out to keep within the Style's bounds.
func (d *Draft) DroppedFlashes() int {
	if d.flashes == nil {
		return 0
	}
	return d.flashes.dropped
}
