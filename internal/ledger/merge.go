package ledger

import (
	"fmt"

	"github.com/cloakroom/cloakroom/codec"
)

// flashes writes what becomes of the record's list of flash messages: those
// taken go, those added come. The list may be newer than the one that was read:
// what another request flashed meanwhile stays.
func (p *composer) flashes(fields []codec.Field) {
	f := p.d.flashes
	if !f.dirty() {
		return
	}
	old := p.messages(fields)
	left, added := f.left(old), f.added
	drop := p.st.excess(old, left, added)
	f.dropped = drop + old.tooOld()
	if drop > len(left) {
		added = added[drop-len(left):]
	}
	left = left[min(drop, len(left)):]
	if len(left)+len(added) == 0 {
		return
	}
	p.values++
	if old != nil && old.spans != nil {
		p.appendRaw(old, left, added)
		return
	}
	list := make([]any, 0, len(left)+len(added))
	for _, i := range left {
		list = append(list, old.values[i])
	}
	for _, m := range added {
		list = append(list, p.st.Flash(m.category, m.text))
	}
	p.marshal(NameFlashes, list)
}

// messages returns the record's flash messages, nil if it has none.
func (p *composer) messages(fields []codec.Field) *messages {
	if p.d.cleared != 0 {
		return nil
	}
	var raw []byte
	for i := range fields {
		if f := &fields[i]; f.Name != nil && string(f.Name) == NameFlashes {
			raw = f.Raw
		}
	}
	switch read := p.d.flashes.stored; {
	case raw == nil:
		return nil
	case read != nil && same(raw, read.raw):
		return read
	}
	return readMessages(p.codec, raw)
}

// left returns which messages of list have not been taken.
func (f *flashes) left(list *messages) []int32 {
	left := make([]int32, 0, list.len())
	known := list == f.stored // so that it is known which ones were taken
	for i := range list.len() {
		if !known || f.state == nil || f.state[i] == kept {
			left = append(left, int32(i))
		}
	}
	// The others are told by what they say.
	taken := make(map[label]int)
	for _, m := range f.taken {
		taken[m]++
	}
	if !known && f.taking > 0 {
		for i, m := range f.stored.labels {
			if f.state[i] == taking {
				taken[m]++
			}
		}
	}
	if len(taken) == 0 {
		return left
	}
	n, k := 0, 0
	for i, m := range list.labels {
		for k < len(left) && int(left[k]) < i {
			left[n] = left[k]
			n, k = n+1, k+1
		}
		if k < len(left) && int(left[k]) == i && taken[m] > 0 {
			taken[m]--
			k++
		}
	}
	return append(left[:n], left[k:]...)
}

// excess returns how many messages are too many, beginning with the oldest of
// those of old that are left. Added ones are only too many by their number.
func (st *Style) excess(old *messages, left []int32, added []message) int {
	if len(added) == 0 {
		return 0
	}
	drop := 0
	if n := len(left) + len(added); st.MaxFlashes > 0 && n > st.MaxFlashes {
		drop = n - keptOf(st.MaxFlashes)
	}
	if st.MaxFlashBytes > 0 && drop < len(left) {
		size := 0
		for _, m := range added {
			size += len(m.category) + len(m.text)
		}
		for _, i := range left[drop:] {
			size += old.size(int(i))
		}
		if size > st.MaxFlashBytes {
			for ; drop < len(left) && size > keptOf(st.MaxFlashBytes); drop++ {
				size -= old.size(int(left[drop]))
			}
		}
	}
	return drop
}

// keptOf returns how much is kept where there is more than the bound: a tenth
// less, so that the next message does not make one go again.
func keptOf(bound int) int { return bound - bound/10 }

// appendRaw writes the list of those messages of old that are left, in their
// bytes, and of those that were added.
func (p *composer) appendRaw(old *messages, left []int32, added []message) {
	size := 8
	for _, i := range left {
		size += old.size(int(i)) + 1
	}
	var fresh []byte
	ends := make([]int, 0, len(added))
	for _, m := range added {
		var err error
		if fresh, err = p.codec.Marshal(fresh, p.st.Flash(m.category, m.text)); err != nil {
			if p.err == nil {
				p.err = fmt.Errorf("cloakroom: save: %w", err)
			}
			return
		}
		ends = append(ends, len(fresh))
	}
	list := make([]byte, 0, size+len(fresh)+len(ends))
	p.append(NameFlashes, p.codec.(lister).AppendList(list, len(left)+len(ends), func(yield func([]byte) bool) {
		for _, i := range left {
			if !yield(old.element(int(i))) {
				return
			}
		}
		start := 0
		for _, end := range ends {
			if !yield(fresh[start:end]) {
				return
			}
			start = end
		}
	}))
}
