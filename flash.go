package cloakroom

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/cloakroom/cloakroom/codec"
)

// A Flash is a message kept for the next page.
type Flash struct {
	Category string
	Message  string
}

// flashes is what one request knows and does about the flash messages. In the
// record they are a list of pairs of category and message, as Flask keeps
// them.
type flashes struct {
	parsed bool        // stored has been read from the record
	next   int         // order of the next message
	stored []flashItem // in the record, not taken
	added  []flashItem // new in this request, not taken
	taken  []flashItem // in the record, to be removed from it
	shown  []flashItem // handed out in this request
	all    bool        // all categories have been read in this request
	read   []string    // these have
}

type flashItem struct {
	Flash
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

// Flash keeps a message for the next call of Flashes, in this request or a
// later one. The category says what kind of message it is; Flask's default is
// "message", Bootstrap's names are "success", "danger" and so on.
func (s *Session) Flash(category, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() {
		return
	}
	f := s.flashState()
	f.next++
	f.added = append(f.added, flashItem{Flash{category, message}, f.next, s.m.flashValue(category, message)})
}

// Flashes returns the messages of the given categories, of all if none is
// given, oldest first, and takes them out of the session. Messages of other
// categories stay. Called again in the same request it returns the same
// messages, so that a page may show them in two places.
func (s *Session) Flashes(categories ...string) []Flash {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readable() {
		return nil
	}
	f := s.flashState()
	f.take(categories)
	var out []Flash
	for _, item := range f.shown {
		if len(categories) == 0 || slices.Contains(categories, item.Category) {
			out = append(out, item.Flash)
		}
	}
	return out
}

// flashState returns the request's flashes, with the stored ones read.
func (s *Session) flashState() *flashes {
	if s.draft.flash == nil {
		s.draft.flash = &flashes{}
	}
	f := s.draft.flash
	if !f.parsed {
		f.parsed = true
		if raw, c := s.base.find(nameFlashes); raw != nil && s.draft.cleared == 0 {
			for _, v := range decodeFlashes(c, raw) {
				f.next++
				f.stored = append(f.stored, flashItem{flashOf(v), f.next, v})
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
	wanted := func(item flashItem) bool {
		return !slices.Contains(f.read, item.Category) &&
			(len(categories) == 0 || slices.Contains(categories, item.Category))
	}
	f.stored = slices.DeleteFunc(f.stored, func(item flashItem) bool {
		if !wanted(item) {
			return false
		}
		f.taken = append(f.taken, item)
		f.shown = append(f.shown, item)
		return true
	})
	f.added = slices.DeleteFunc(f.added, func(item flashItem) bool {
		if !wanted(item) {
			return false
		}
		f.shown = append(f.shown, item)
		return true
	})
	if len(categories) == 0 {
		f.all = true
	}
	f.read = append(f.read, categories...)
	slices.SortFunc(f.shown, func(a, b flashItem) int { return a.order - b.order })
}

// apply returns what the record's list becomes: without those taken, with
// those added. The list may be newer than the one that was read: what another
// request flashed meanwhile stays.
func (f *flashes) apply(list []any) []any {
	taken := make(map[Flash]int, len(f.taken))
	for _, item := range f.taken {
		taken[item.Flash]++
	}
	out := make([]any, 0, len(list)+len(f.added))
	for _, v := range list {
		if fl := flashOf(v); taken[fl] > 0 {
			taken[fl]--
			continue
		}
		out = append(out, v)
	}
	for _, item := range f.added {
		out = append(out, item.value)
	}
	return out
}

// decodeFlashes returns the list's elements, and none if raw is not a list.
func decodeFlashes(c codec.Codec, raw []byte) []any {
	var list []any
	if c.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// flashOf reads one element, leniently: Flask lets a message be anything that
// prints.
func flashOf(v any) Flash {
	// By reflection, since tuples are a type of their own, if a slice too.
	if pair := reflect.ValueOf(v); pair.Kind() == reflect.Slice && pair.Len() == 2 && pair.Type().Elem().Kind() == reflect.Interface {
		return Flash{printed(pair.Index(0).Interface()), printed(pair.Index(1).Interface())}
	}
	return Flash{"message", printed(v)}
}

// printed is fmt.Sprint, and text that is not UTF-8 as it was: the codec keeps
// that as bytes.
func printed(v any) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}
