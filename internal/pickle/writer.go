package pickle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strconv"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// Append appends to dst the pickle of v in the protocol from 0 to 5, as CPython
// writes it. Containers are one object to Python where they are the same pointer;
// of strings, times, decimals and UUIDs all that are equal become one object, since
// nothing can tell them apart.
//
// The error matches [ErrValue] if v or a part of it is not of the types in the
// package comment, or not valid, and [ErrLimit] if v is nested more than 256 deep
// or contains itself, or if it does not fit into the default [Limits].
func Append(dst []byte, v Value, protocol int) ([]byte, error) {
	if protocol < 0 || protocol > HighestProtocol {
		return dst, fmt.Errorf("append: %w: no protocol %d", ErrValue, protocol)
	}
	w := writer{out: dst, base: len(dst), protocol: protocol, limits: defaultLimits, memo: make(map[any]int)}
	if err := w.pickle(v); err != nil {
		return dst, fmt.Errorf("append: %w", err)
	}
	return w.out, nil
}

// A writer writes one pickle.
type writer struct {
	out      []byte
	base     int // where the pickle begins in out
	protocol int
	limits   Limits
	memo     map[any]int // numbers of the objects that have been written, or nil
	numbers  int         // how many numbers have been given
	frame    int         // where the open frame begins in out, or noFrame or unframed
}

func (w *writer) pickle(v Value) error {
	// From here on, v is a finite tree of a known depth.
	left := w.limits.Nodes
	if err := check(v, &left, w.limits.Depth); err != nil {
		e, _ := errors.AsType[*Error](err)
		return fmt.Errorf("%w: %s", e.Kind, e.Reason)
	}
	if w.protocol >= 2 {
		w.out = append(w.out, opProto, byte(w.protocol))
	}
	w.frame = noFrame
	if w.protocol < 4 {
		w.frame = unframed
	}
	if err := w.save(v); err != nil {
		return err
	}
	w.op(opStop)
	w.closeFrame()
	return w.checkSize()
}

func (w *writer) checkSize() error {
	if len(w.out)-w.base > w.limits.Size {
		return fmt.Errorf("%w: pickle too large", ErrLimit)
	}
	return nil
}

// op writes an instruction with its argument.
func (w *writer) op(op byte, argument ...byte) {
	w.openFrame()
	w.out = append(w.out, op)
	w.out = append(w.out, argument...)
}

// op4 writes an instruction with a number of four bytes.
func (w *writer) op4(op byte, argument uint32) {
	w.op(op)
	w.out = binary.LittleEndian.AppendUint32(w.out, argument)
}

// text writes an instruction whose argument is a line.
func (w *writer) text(op byte, argument string) {
	w.openFrame()
	w.out = append(w.out, op)
	w.out = append(w.out, argument...)
	w.out = append(w.out, '\n')
}

// save writes v, which leaves it on top of the machine's stack.
func (w *writer) save(v Value) error {
	w.splitFrame()
	if err := w.checkSize(); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		w.op(opNone)
	case bool:
		w.saveBool(v)
	case int64:
		w.saveInt(v)
	case *big.Int:
		return w.saveBig(v)
	case float64:
		w.saveFloat(v)
	case *List, *Tuple, *Dict, *Set, *FrozenSet:
		return w.saveContainer(v)
	default:
		return w.saveObject(v)
	}
	return nil
}

// saveObject writes what Python remembers in the memo and cannot be nested.
func (w *writer) saveObject(v Value) error {
	key := shared(v, w.protocol)
	if key != nil && w.get(key) {
		return nil
	}
	switch v := v.(type) {
	case string:
		if !pyvalue.ValidText(v) {
			return fmt.Errorf("%w: text is not UTF-8", ErrValue)
		}
		w.saveString(v)
		w.put(key)
		return nil
	case []byte:
		return w.saveBytes(v, key)
	case ByteArray:
		return w.saveByteArray(v)
	}
	return w.saveReduced(v, key)
}

// shared returns the key under which v is in the memo. Bytes would have to be
// copied for that, so it is done only where Python has one object for all that are
// equal, and where they are written as text, which is shared already: there a
// reader would otherwise decode the one text many times.
func shared(v Value, protocol int) any {
	switch v := v.(type) {
	case []byte:
		if len(v) <= 1 || protocol < 3 {
			return bytesID(v)
		}
		return nil
	case string, UUID, Markup, Decimal, Date, Time, DateTime, TimeDelta, Zone:
		return v
	}
	// As map keys, -0 would be 0 in a complex number, and NaN nothing.
	return nil
}

// get writes a reference to the object in the memo under key, if there is one.
func (w *writer) get(key any) bool {
	i, ok := w.memo[key]
	if !ok {
		return false
	}
	switch {
	case w.protocol == 0:
		w.text(opGet, strconv.Itoa(i))
	case i < 256:
		w.op(opBinGet, byte(i))
	default:
		w.op4(opLongBinGet, uint32(i))
	}
	return true
}

// put remembers the object on top of the stack, under key unless that is nil.
func (w *writer) put(key any) {
	i := w.numbers
	w.numbers++
	if w.memo == nil {
		return
	}
	if key != nil {
		w.memo[key] = i
	}
	switch {
	case w.protocol >= 4:
		w.op(opMemoize)
	case w.protocol == 0:
		w.text(opPut, strconv.Itoa(i))
	case i < 256:
		w.op(opBinPut, byte(i))
	default:
		w.op4(opLongBinPut, uint32(i))
	}
}
