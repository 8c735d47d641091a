package pickle

import (
	"fmt"
	"slices"
)

// batch is how many items CPython adds to a container with one instruction.
const batch = 1000

// saveContainer writes a container, or a reference if it has been written.
func (w *writer) saveContainer(v Value) error {
	if isNil(v) {
		return fmt.Errorf("%w: nil %T", ErrValue, v)
	}
	if w.get(v) {
		return nil
	}
	switch v := v.(type) {
	case *Tuple:
		return w.saveTuple(v.Items, v)
	case *List:
		return w.saveList(v)
	case *Dict:
		return w.saveDict(v)
	case *Set:
		return w.saveSet(v)
	}
	return w.saveFrozenSet(v.(*FrozenSet))
}

// isNil reports whether v is a nil pointer to a container.
func isNil(v Value) bool {
	switch v := v.(type) {
	case *List:
		return v == nil
	case *Tuple:
		return v == nil
	case *Dict:
		return v == nil
	case *Set:
		return v == nil
	case *FrozenSet:
		return v == nil
	}
	return false
}

func (w *writer) saveAll(items []Value) error {
	for _, item := range items {
		if err := w.save(item); err != nil {
			return err
		}
	}
	return nil
}

// saveTuple writes a tuple that goes by key, or by nothing if key is nil.
func (w *writer) saveTuple(items []Value, key any) error {
	n := len(items)
	if n == 0 {
		if w.protocol == 0 {
			w.op(opMark)
			w.op(opTuple)
		} else {
			w.op(opEmptyTuple)
		}
		return nil
	}
	short := n <= 3 && w.protocol >= 2
	if !short {
		w.op(opMark)
	}
	if err := w.saveAll(items); err != nil {
		return err
	}
	if short {
		w.op(opTuple1 + byte(n-1))
	} else {
		w.op(opTuple)
	}
	w.put(key)
	return nil
}

func (w *writer) saveList(l *List) error {
	if w.protocol == 0 {
		w.op(opMark)
		w.op(opList)
	} else {
		w.op(opEmptyList)
	}
	w.put(l)
	return w.saveItems(l.Items)
}

// saveItems appends items to the list on top.
func (w *writer) saveItems(items []Value) error {
	switch {
	case w.protocol == 0:
		for _, item := range items {
			if err := w.save(item); err != nil {
				return err
			}
			w.op(opAppend)
		}
		return nil
	case len(items) == 1:
		if err := w.save(items[0]); err != nil {
			return err
		}
		w.op(opAppend)
		return nil
	}
	for len(items) > 0 {
		n := min(len(items), batch)
		w.op(opMark)
		if err := w.saveAll(items[:n]); err != nil {
			return err
		}
		w.op(opAppends)
		items = items[n:]
	}
	return nil
}

func (w *writer) saveDict(d *Dict) error {
	if w.protocol == 0 {
		w.op(opMark)
		w.op(opDict)
	} else {
		w.op(opEmptyDict)
	}
	w.put(d)
	if w.protocol == 0 || d.Len() == 1 {
		for _, e := range d.entries {
			if err := w.saveEntry(e); err != nil {
				return err
			}
			w.op(opSetItem)
		}
		return nil
	}
	// CPython notices only after a full batch that nothing is left, and then
	// writes an empty one.
	for i := 0; d.Len() > 0; i += batch {
		end := min(i+batch, d.Len())
		w.op(opMark)
		for _, e := range d.entries[i:end] {
			if err := w.saveEntry(e); err != nil {
				return err
			}
		}
		w.op(opSetItems)
		if end-i < batch {
			break
		}
	}
	return nil
}

func (w *writer) saveEntry(e entry) error {
	if err := w.save(e.key); err != nil {
		return err
	}
	return w.save(e.value)
}

func (w *writer) saveKeys(entries []entry) error {
	for _, e := range entries {
		if err := w.save(e.key); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) saveSet(s *Set) error {
	if w.protocol < 4 {
		return w.reduceSet(globalSet, s, s)
	}
	w.op(opEmptySet)
	w.put(s)
	for i := 0; s.Len() > 0; i += batch { // batches as in saveDict
		end := min(i+batch, s.Len())
		w.op(opMark)
		if err := w.saveKeys(s.entries[i:end]); err != nil {
			return err
		}
		w.op(opAddItems)
		if end-i < batch {
			break
		}
	}
	return nil
}

func (w *writer) saveFrozenSet(s *FrozenSet) error {
	if w.protocol < 4 {
		return w.reduceSet(globalFrozenSet, &s.Set, s)
	}
	w.op(opMark)
	if err := w.saveKeys(s.entries); err != nil {
		return err
	}
	w.op(opFrozenSet)
	w.put(s)
	return nil
}

// reduceSet writes a set as a call with a list of its items.
func (w *writer) reduceSet(g global, s *Set, key any) error {
	return w.reduce(opReduce, g, []Value{&List{Items: slices.Collect(s.All())}}, key)
}
