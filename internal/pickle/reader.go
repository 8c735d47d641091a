package pickle

import (
	"errors"
	"math/big"
)

// Unmarshal returns the value of the pickle data. Bytes behind the end of the
// pickle are ignored, as Python does. The error is an [*Error]; it matches
// [ErrRefused], [ErrMalformed] or [ErrLimit]. The result shares no memory with
// data.
func Unmarshal(data []byte, limits Limits) (Value, error) {
	limits = limits.withDefaults()
	if len(data) > limits.Size {
		return nil, &Error{Kind: ErrLimit, Reason: "pickle too large"}
	}
	r := reader{input: input{data: data}, limits: limits, budget: newBudget(len(data))}
	v, err := r.run()
	if err != nil {
		return nil, r.place(err)
	}
	left := limits.Nodes
	if err := check(v, &left, limits.Depth); err != nil {
		return nil, r.place(err)
	}
	return v, nil
}

// A reader is the pickle machine.
type reader struct {
	input
	limits Limits
	budget budget
	stack  []Value
	marks  []int // heights of the stack at the open MARKs
	memo   memo
	start  int  // offset of the current instruction
	op     byte // the current instruction
}

// run executes the program up to STOP.
func (r *reader) run() (Value, error) {
	for {
		r.start, r.op = r.pos, 0
		op, err := r.byte()
		if err != nil {
			return nil, err
		}
		r.op = op
		if op == opStop {
			return r.pop()
		}
		if err := r.step(op); err != nil {
			return nil, err
		}
	}
}

// place fills in where in the pickle err happened.
func (r *reader) place(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		// The only other errors are those about keys.
		e = &Error{Kind: ErrMalformed, Reason: "unhashable key"}
	}
	e.Offset, e.Opcode = r.start, r.op
	return e
}

// step executes one instruction other than STOP. Instructions that push a
// value which they carry are in scalar.
func (r *reader) step(op byte) error {
	switch op {
	case opProto:
		return r.proto()
	case opFrame:
		return r.frame()
	case opMark:
		return r.mark()
	case opPop:
		return r.discard()
	case opPopMark:
		_, err := r.popMark()
		return err
	case opDup:
		v, err := r.top()
		if err != nil {
			return err
		}
		return r.push(v)
	case opGet, opBinGet, opLongBinGet:
		return r.get(op)
	case opPut, opBinPut, opLongBinPut, opMemoize:
		return r.put(op)
	case opEmptyList, opList, opAppend, opAppends,
		opEmptyTuple, opTuple, opTuple1, opTuple2, opTuple3,
		opEmptyDict, opDict, opSetItem, opSetItems,
		opEmptySet, opAddItems, opFrozenSet:
		return r.container(op)
	case opGlobal, opStackGlobal:
		return r.global(op)
	case opReduce, opNewObj:
		return r.construct(op)
	case opBuild:
		return r.build()
	}
	return r.scalar(op)
}

// unknown refuses an instruction, with the name that it carries if it has one.
func (r *reader) unknown(op byte) error {
	name, ok := refusedOps[op]
	if !ok {
		return malformed("unknown opcode")
	}
	if op == opInst {
		module, err := r.line()
		if err != nil {
			return err
		}
		attr, err := r.line()
		if err != nil {
			return err
		}
		return refused(string(module)+"."+string(attr), "instances are not plain values")
	}
	return refused("", "instruction "+name+" does not make plain values")
}

func (r *reader) proto() error {
	version, err := r.byte()
	if err != nil {
		return err
	}
	if version > HighestProtocol {
		return malformed("unknown protocol %d", version)
	}
	return nil
}

// frame checks the length of a frame. Frames help readers of streams only,
// and Python too reads instructions that stand across their ends.
func (r *reader) frame() error {
	n, err := r.uint(8)
	if err != nil {
		return err
	}
	if n > uint64(r.left()) {
		return malformed("frame is longer than the pickle")
	}
	return nil
}

// scalar pushes the value that an instruction carries.
func (r *reader) scalar(op byte) error {
	v, err := r.constant(op)
	if err != nil {
		return err
	}
	return r.push(v)
}

func (r *reader) constant(op byte) (Value, error) {
	switch op {
	case opNone:
		return nil, nil
	case opNewTrue:
		return true, nil
	case opNewFalse:
		return false, nil
	case opInt, opLong, opBinInt, opBinInt1, opBinInt2, opLong1, opLong4:
		return r.integer(op)
	case opFloat, opBinFloat:
		return r.float(op)
	case opString, opUnicode, opBinString, opShortBinString,
		opBinUnicode, opShortBinUnicode, opBinUnicode8:
		return r.text(op)
	case opBinBytes, opShortBinBytes, opBinBytes8, opByteArray8:
		b, err := r.counted(op)
		if err != nil {
			return nil, err
		}
		if op == opByteArray8 {
			return append(ByteArray{}, b...), nil
		}
		return append([]byte{}, b...), nil
	}
	return nil, r.unknown(op)
}

// check walks through the finished value, and refuses what is too deep (among
// it whatever contains itself), too large when shared parts are counted each
// time, or not finished. left is the number of nodes that may still be met.
func check(v Value, left *int, depth int) error {
	cost := 1
	switch v := v.(type) {
	case string:
		cost = nodes(len(v))
	case Markup:
		cost = nodes(len(v))
	case Decimal:
		cost = nodes(len(v))
	case []byte:
		cost = nodes(len(v))
	case ByteArray:
		cost = nodes(len(v))
	case *big.Int:
		if v != nil {
			cost = nodes(v.BitLen() / 8)
		}
	case DateTime:
		cost = nodes(len(v.Zone.Name))
	case Time:
		cost = nodes(len(v.Zone.Name))
	case Zone:
		cost = nodes(len(v.Name))
	case global:
		return refused(v.String(), "a class or function is not a plain value")
	case *unbuiltUUID:
		return malformed("UUID without its number")
	}
	if *left -= cost; *left < 0 {
		return limit("too many values")
	}
	return checkItems(v, left, depth)
}

func checkItems(v Value, left *int, depth int) error {
	var items []Value
	var entries []entry
	switch v := v.(type) {
	case *List:
		if v != nil { // nil only in what a program made, here and below
			items = v.Items
		}
	case *Tuple:
		if v != nil {
			items = v.Items
		}
	case *Dict:
		if v != nil {
			entries = v.entries
		}
	case *Set:
		if v != nil {
			entries = v.entries
		}
	case *FrozenSet:
		if v != nil {
			entries = v.entries
		}
	default:
		return nil
	}
	if depth <= 0 {
		return limit("nested too deeply, or contains itself")
	}
	for _, item := range items {
		if err := check(item, left, depth-1); err != nil {
			return err
		}
	}
	_, pairs := v.(*Dict)
	for _, e := range entries {
		if err := check(e.key, left, depth-1); err != nil {
			return err
		}
		if !pairs {
			continue
		}
		if err := check(e.value, left, depth-1); err != nil {
			return err
		}
	}
	return nil
}
