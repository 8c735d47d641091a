package ledger

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/cloakroom/cloakroom/codec"
)

// flashes is what one request knows and does about the flash messages. In the
// record they are a list of pairs of category and message, as Flask keeps
// them.
type flashes struct {
	parsed bool      // stored has been read from the record
	next   int       // order of the next message
	stored []message // in the record, not taken
	added  []message // new in this request, not taken
	taken  []message // in the record, to be removed from it
	shown  []message // handed out in this request
	all    bool      // all categories have been read in this request
	read   []string  // these have
}

// label is a message as it is told apart and shown.
type label struct{ category, text string }

type message struct {
	label
	order int
	value any // as stored: another program's message may be more than text
}

func (f *flashes) dirty() bool { return f != nil && (len(f.taken) > 0 || len(f.added) > 0) }

func (f *flashes) clone() *flashes {
	if f == nil {
		return nil
	}
	c := *f
	c.added, c.taken = slices.Clone(f.added), slices.Clone(f.taken)
	return &c
}

func (f *flashes) clear() {
	if f != nil {
		f.stored, f.added, f.taken = nil, nil, nil
		f.parsed = true
	}
}

// Flash adds a message.
func (d *Draft) Flash(st *Style, b *Base, category, text string) {
	f := d.readFlashes(b)
	f.next++
	f.added = append(f.added, message{label{category, text}, f.next, st.Flash(category, text)})
}

// Flashes yields the messages of the given categories, of all if none is
// given, oldest first, and takes them out of the session. Later calls for the
// same draft yield them again.
func (d *Draft) Flashes(b *Base, categories []string, yield func(category, text string)) {
	f := d.readFlashes(b)
	f.take(categories)
	for _, m := range f.shown {
		if len(categories) == 0 || slices.Contains(categories, m.category) {
			yield(m.category, m.text)
		}
	}
}

// readFlashes returns the draft's flashes, with the stored ones read.
func (d *Draft) readFlashes(b *Base) *flashes {
	if d.flashes == nil {
		d.flashes = &flashes{}
	}
	f := d.flashes
	if !f.parsed {
		f.parsed = true
		if raw, c := b.Find(NameFlashes); raw != nil && d.cleared == 0 {
			for _, v := range decodeFlashes(c, raw) {
				f.next++
				f.stored = append(f.stored, message{labelOf(v), f.next, v})
			}
		}
	}
	return f
}

// take moves the messages of categories that were not read before in this
// request to shown.
func (f *flashes) take(categories []string) {
	if f.all {
		return
	}
	wanted := func(m message) bool {
		return !slices.Contains(f.read, m.category) &&
			(len(categories) == 0 || slices.Contains(categories, m.category))
	}
	f.stored = slices.DeleteFunc(f.stored, func(m message) bool {
		if !wanted(m) {
			return false
		}
		f.taken = append(f.taken, m)
		f.shown = append(f.shown, m)
		return true
	})
	f.added = slices.DeleteFunc(f.added, func(m message) bool {
		if !wanted(m) {
			return false
		}
		f.shown = append(f.shown, m)
		return true
	})
	if len(categories) == 0 {
		f.all = true
	}
	f.read = append(f.read, categories...)
	slices.SortFunc(f.shown, func(a, b message) int { return a.order - b.order })
}

// merge returns what the record's list becomes: without those taken, with
// those added. The list may be newer than the one that was read: what another
// request flashed meanwhile stays.
func (f *flashes) merge(list []any) []any {
	taken := make(map[label]int, len(f.taken))
	for _, m := range f.taken {
		taken[m.label]++
	}
	out := make([]any, 0, len(list)+len(f.added))
	for _, v := range list {
		if l := labelOf(v); taken[l] > 0 {
			taken[l]--
			continue
		}
		out = append(out, v)
	}
	for _, m := range f.added {
		out = append(out, m.value)
	}
	return out
}

// forget is Draft.Forget for flash messages.
func (f *flashes) forget(saved *flashes) {
	if f == nil || saved == nil {
		return
	}
	in := func(list []message) func(message) bool {
		return func(x message) bool {
			return slices.ContainsFunc(list, func(y message) bool { return x.order == y.order })
		}
	}
	for _, m := range saved.added {
		if !in(f.added)(m) { // taken since: it is in the record now
			f.taken = append(f.taken, m)
		}
	}
	f.added = slices.DeleteFunc(f.added, in(saved.added))
	f.taken = slices.DeleteFunc(f.taken, in(saved.taken))
	if !f.dirty() {
		f.stored, f.parsed = nil, false // read them anew from the base
	}
}

// decodeFlashes returns the list's elements, and none if raw is not a list.
func decodeFlashes(c codec.Codec, raw []byte) []any {
	var list []any
	if c.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// labelOf reads one element, leniently: Flask lets a message be anything that
// prints.
func labelOf(v any) label {
	// By reflection, since tuples are a type of their own, if a slice too.
	if pair := reflect.ValueOf(v); pair.Kind() == reflect.Slice && pair.Len() == 2 && pair.Type().Elem().Kind() == reflect.Interface {
		return label{printed(pair.Index(0).Interface()), printed(pair.Index(1).Interface())}
	}
	return label{"message", printed(v)}
}

// printed is fmt.Sprint, and text that is not UTF-8 as it was: the codec keeps
// that as bytes.
func printed(v any) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}
