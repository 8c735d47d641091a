package pickle

import (
	"fmt"
	"math/big"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// reduce writes what makes a value out of a global and its arguments.
func (w *writer) reduce(op byte, g global, args []Value, key any) error {
	w.splitFrame()
	w.saveGlobal(g)
	w.splitFrame()
	if err := w.saveTuple(args, nil); err != nil {
		return err
	}
	w.op(op)
	w.put(key)
	return nil
}

// saveGlobal writes the name of g, or a reference to it.
func (w *writer) saveGlobal(g global) {
	if w.get(g) {
		return
	}
	n := names[g]
	if w.protocol < 4 {
		if w.protocol < 3 {
			n = g.python2()
		}
		w.text(opGlobal, n.module)
		w.out = append(append(w.out, n.attr...), '\n')
		w.put(g)
		return
	}
	w.splitFrame()
	w.saveShared(n.module)
	w.splitFrame()
	if ownName(g) {
		w.saveShared(n.attr)
	} else {
		w.saveString(n.attr)
		w.put(nil)
	}
	w.op(opStackGlobal)
	w.put(g)
}

func (w *writer) saveShared(s string) {
	if !w.get(s) {
		w.saveString(s)
		w.put(s)
	}
}

// ownName reports whether the name of a class is a string that CPython keeps. A
// class written in C makes a new one whenever it is asked.
func ownName(g global) bool { return g == globalUUID || g == globalMarkup }

// saveReduced writes the values that Python's pickles make with a global.
func (w *writer) saveReduced(v Value, key any) error {
	if !valid(v) {
		return fmt.Errorf("%w: not a valid %T", ErrValue, v)
	}
	switch v := v.(type) {
	case complex128:
		return w.reduce(opReduce, globalComplex, []Value{real(v), imag(v)}, key)
	case Decimal:
		return w.reduce(opReduce, globalDecimal, []Value{string(v)}, key)
	case Markup:
		if w.protocol < 2 {
			return w.reconstruct(globalMarkup, globalStr, string(v), key)
		}
		return w.reduce(opNewObj, globalMarkup, []Value{string(v)}, key)
	case UUID:
		return w.saveUUID(v)
	case TimeDelta:
		args := []Value{int64(v.Days), int64(v.Seconds), int64(v.Microseconds)}
		return w.reduce(opReduce, globalTimeDelta, args, key)
	case Zone:
		args := []Value{pyvalue.Lasting(v.Offset)}
		if v.Named {
			args = append(args, v.Name)
		}
		return w.reduce(opReduce, globalTimeZone, args, key)
	case Date:
		return w.reduce(opReduce, globalDate, []Value{appendDate(nil, v)}, key)
	case Time:
		return w.reduce(opReduce, globalTime, w.timeArgs(appendTime(nil, v), 0, v), key)
	case DateTime:
		state := appendTime(appendDate(nil, v.Date), v.Time)
		return w.reduce(opReduce, globalDateTime, w.timeArgs(state, 2, v.Time), key)
	}
	return fmt.Errorf("%w: %T", ErrValue, v)
}

func valid(v Value) bool {
	switch v := v.(type) {
	case Decimal:
		return v.Valid()
	case Markup:
		return pyvalue.ValidText(string(v))
	case TimeDelta:
		return v.Valid()
	case Zone:
		return v.Valid()
	case Date:
		return v.Valid()
	case Time:
		return v.Valid()
	case DateTime:
		return v.Valid()
	}
	return true
}

// timeArgs returns the arguments for a time or datetime. The byte at foldAt has
// the bit for the fold, which protocols below 4 lose.
func (w *writer) timeArgs(state []byte, foldAt int, t Time) []Value {
	if t.Fold && w.protocol >= 4 {
		state[foldAt] |= foldBit
	}
	args := []Value{state}
	if t.Zone.Aware {
		args = append(args, t.Zone)
	}
	return args
}

// saveUUID writes an empty instance and then its attributes.
func (w *writer) saveUUID(u UUID) error {
	var err error
	if w.protocol < 2 {
		err = w.reconstruct(globalUUID, globalObject, nil, u)
	} else {
		err = w.reduce(opNewObj, globalUUID, nil, u)
	}
	if err != nil {
		return err
	}
	state := &Dict{}
	state.set("int", "int", integer(new(big.Int).SetBytes(u[:])))
	if err := w.save(state); err != nil {
		return err
	}
	w.op(opBuild)
	return nil
}

// reconstruct writes an instance of a class as protocols 0 and 1 do.
func (w *writer) reconstruct(class, base global, value Value, key any) error {
	w.saveGlobal(globalReconstructor)
	w.op(opMark)
	w.saveGlobal(class)
	w.saveGlobal(base)
	if err := w.save(value); err != nil {
		return err
	}
	w.op(opTuple)
	w.put(nil)
	w.op(opReduce)
	w.put(key)
	return nil
}
