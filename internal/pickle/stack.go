package pickle

import (
	"math"
	"slices"
)

func (r *reader) push(v Value) error {
	if len(r.stack) >= r.limits.Stack {
		return limit("stack too high")
	}
	r.stack = append(r.stack, v)
	return nil
}

// floor is the height below which the stack belongs to what was before the
// last MARK.
func (r *reader) floor() int {
	if len(r.marks) == 0 {
		return 0
	}
	return r.marks[len(r.marks)-1]
}

func (r *reader) top() (Value, error) {
	if len(r.stack) <= r.floor() {
		return nil, malformed("stack underflow")
	}
	return r.stack[len(r.stack)-1], nil
}

func (r *reader) pop() (Value, error) {
	v, err := r.top()
	if err != nil {
		return nil, err
	}
	r.truncate(len(r.stack) - 1)
	return v, nil
}

// popN takes the topmost n values off the stack, the lowest first. The slice
// is valid until the next push.
func (r *reader) popN(n int) ([]Value, error) {
	if len(r.stack)-r.floor() < n {
		return nil, malformed("stack underflow")
	}
	items := r.stack[len(r.stack)-n:]
	r.stack = r.stack[:len(r.stack)-n]
	return items, nil
}

// truncate lowers the stack and lets go of what was there.
func (r *reader) truncate(height int) {
	clear(r.stack[height:])
	r.stack = r.stack[:height]
}

func (r *reader) mark() error {
	if len(r.marks) >= r.limits.Stack {
		return limit("too many marks")
	}
	r.marks = append(r.marks, len(r.stack))
	return nil
}

// popMark takes everything above the last MARK off the stack, and the MARK.
// The slice is valid until the next push.
func (r *reader) popMark() ([]Value, error) {
	if len(r.marks) == 0 {
		return nil, malformed("no MARK")
	}
	height := r.floor()
	r.marks = r.marks[:len(r.marks)-1]
	items := r.stack[height:]
	r.stack = r.stack[:height]
	return items, nil
}

// discard is POP, which takes off a MARK if that is what is on top.
func (r *reader) discard() error {
	if n := len(r.marks); n > 0 && r.marks[n-1] == len(r.stack) {
		r.marks = r.marks[:n-1]
		return nil
	}
	_, err := r.pop()
	return err
}

// A memo holds the values that a pickle refers back to, by number. Writers
// number them from 0 or 1 without gaps; a table for these, and a map for
// others, keeps a single high number from claiming a large table.
type memo struct {
	table  []Value
	others map[int]Value
}

func (m *memo) len() int { return len(m.table) + len(m.others) }

func (m *memo) get(i int) (Value, bool) {
	if i < len(m.table) {
		return m.table[i], true
	}
	v, ok := m.others[i]
	return v, ok
}

func (m *memo) put(i int, v Value) {
	switch {
	case i < len(m.table):
		m.table[i] = v
	case i == len(m.table):
		m.table = append(m.table, v)
		delete(m.others, i)
	default:
		if m.others == nil {
			m.others = make(map[int]Value)
		}
		m.others[i] = v
	}
}

// memoIndex reads the number that a GET or PUT instruction carries.
func (r *reader) memoIndex(op byte) (int, error) {
	switch op {
	case opBinGet, opBinPut:
		n, err := r.uint(1)
		return int(n), err
	case opLongBinGet, opLongBinPut:
		n, err := r.uint(4)
		// Where an int has 32 bits, the highest numbers do not fit.
		return int(min(n, math.MaxInt32)), err
	}
	line, err := r.line()
	if err != nil {
		return 0, err
	}
	n, ok := smallNumber(line)
	if !ok {
		return 0, malformed("not a memo number")
	}
	return n, nil
}

func (r *reader) get(op byte) error {
	i, err := r.memoIndex(op)
	if err != nil {
		return err
	}
	v, ok := r.memo.get(i)
	if !ok {
		return malformed("nothing in the memo under this number")
	}
	return r.push(v)
}

func (r *reader) put(op byte) error {
	i := r.memo.len()
	if op != opMemoize {
		var err error
		if i, err = r.memoIndex(op); err != nil {
			return err
		}
	}
	v, err := r.top()
	if err != nil {
		return err
	}
	if i >= r.limits.Memo {
		return limit("memo number too high")
	}
	if u, ok := v.(*unbuiltUUID); ok {
		u.memo = append(u.memo, i)
	}
	r.memo.put(i, v)
	return nil
}

// container executes the instructions that make and fill containers.
func (r *reader) container(op byte) error {
	switch op {
	case opEmptyList:
		return r.push(&List{})
	case opEmptyTuple:
		return r.push(&Tuple{})
	case opEmptyDict:
		return r.push(&Dict{})
	case opEmptySet:
		return r.push(&Set{})
	case opTuple1, opTuple2, opTuple3:
		items, err := r.popN(int(op-opTuple1) + 1)
		if err != nil {
			return err
		}
		return r.push(&Tuple{Items: slices.Clone(items)})
	case opAppend:
		items, err := r.popN(1)
		if err != nil {
			return err
		}
		return r.extend(items)
	case opSetItem:
		items, err := r.popN(2)
		if err != nil {
			return err
		}
		return r.setItems(items)
	}
	items, err := r.popMark()
	if err != nil {
		return err
	}
	switch op {
	case opList:
		return r.push(&List{Items: slices.Clone(items)})
	case opTuple:
		return r.push(&Tuple{Items: slices.Clone(items)})
	case opDict:
		d := &Dict{}
		if err := r.fill(d, items); err != nil {
			return err
		}
		return r.push(d)
	case opFrozenSet:
		f := &FrozenSet{}
		if err := r.add(&f.Set, items); err != nil {
			return err
		}
		return r.push(f)
	case opAppends:
		return r.extend(items)
	case opSetItems:
		return r.setItems(items)
	}
	return r.addItems(items) // opAddItems
}

// extend appends items to the list on top.
func (r *reader) extend(items []Value) error {
	v, err := r.top()
	if err != nil {
		return err
	}
	l, ok := v.(*List)
	if !ok {
		return malformed("appending to %s", kindName(v))
	}
	l.Items = append(l.Items, items...)
	return nil
}

// setItems puts keys and values into the dict on top.
func (r *reader) setItems(items []Value) error {
	v, err := r.top()
	if err != nil {
		return err
	}
	d, ok := v.(*Dict)
	if !ok {
		return malformed("setting items of %s", kindName(v))
	}
	return r.fill(d, items)
}

func (r *reader) fill(d *Dict, items []Value) error {
	if len(items)%2 != 0 {
		return malformed("odd number of items for a dict")
	}
	for i := 0; i < len(items); i += 2 {
		id, err := identify(items[i], &r.budget)
		if err != nil {
			return err
		}
		d.set(id, items[i], items[i+1])
	}
	return nil
}

// addItems puts items into the set on top.
func (r *reader) addItems(items []Value) error {
	v, err := r.top()
	if err != nil {
		return err
	}
	s, ok := v.(*Set)
	if !ok {
		return malformed("adding items to %s", kindName(v))
	}
	return r.add(s, items)
}

func (r *reader) add(s *Set, items []Value) error {
	for _, item := range items {
		id, err := identify(item, &r.budget)
		if err != nil {
			return err
		}
		s.set(id, item, nil)
	}
	return nil
}
