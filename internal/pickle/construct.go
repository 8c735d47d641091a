package pickle

import (
	"math/big"
	"slices"
	"unicode/utf8"
)

// construct executes REDUCE (call a function with a tuple of arguments) and
// NEWOBJ (make an instance of a class), for the globals that stand for
// plain values and with the arguments that Python's own pickles have.
func (r *reader) construct(op byte) error {
	items, err := r.popN(2)
	if err != nil {
		return err
	}
	g, ok := items[0].(global)
	if !ok {
		return malformed("calling %s", kindName(items[0]))
	}
	args, ok := items[1].(*Tuple)
	if !ok {
		return malformed("arguments are %s", kindName(items[1]))
	}
	v, err := r.make(op, g, args.Items)
	if err != nil {
		return err
	}
	return r.push(v)
}

func (r *reader) make(op byte, g global, args []Value) (Value, error) {
	if op == opNewObj {
		return newObject(g, args)
	}
	switch g {
	case globalReconstructor:
		return reconstruct(args)
	case globalSet, globalFrozenSet:
		return r.makeSet(g, args)
	case globalEncode, globalBytes, globalByteArray:
		return r.makeBytes(g, args)
	case globalComplex:
		return makeComplex(args)
	case globalDateTime, globalDate, globalTime:
		return r.makeTime(g, args)
	case globalTimeDelta:
		return makeTimeDelta(args)
	case globalTimeZone:
		return r.makeZone(args)
	case globalDecimal:
		return r.makeDecimal(args)
	}
	return nil, refused(g.String(), "cannot be called")
}

// badArguments says that a global does not take these arguments, or not in
// pickles that Python writes.
func badArguments(g global) error { return malformed("bad arguments for %v", g) }

// newObject makes instances the way protocols from 2 on do.
func newObject(g global, args []Value) (Value, error) {
	switch {
	case g == globalUUID && len(args) == 0:
		return &unbuiltUUID{}, nil
	case g == globalMarkup && len(args) == 1:
		if s, ok := args[0].(string); ok {
			return Markup(s), nil
		}
	}
	return nil, refused(g.String(), "not made like this")
}

// reconstruct makes instances the way protocols 0 and 1 do: from the class,
// the built-in type below it, and that type's value.
func reconstruct(args []Value) (Value, error) {
	if len(args) != 3 {
		return nil, badArguments(globalReconstructor)
	}
	switch {
	case args[0] == globalUUID && args[1] == globalObject && args[2] == nil:
		return &unbuiltUUID{}, nil
	case args[0] == globalMarkup && args[1] == globalStr:
		if s, ok := args[2].(string); ok {
			return Markup(s), nil
		}
	}
	return nil, badArguments(globalReconstructor)
}

// An unbuiltUUID is a UUID whose number has not been set yet. It is replaced
// on the stack and in the memo when it is; elsewhere it is refused in the end,
// since Python's pickles have it nowhere else.
type unbuiltUUID struct{ memo []int }

// build executes BUILD, which sets the attributes of an object: here the
// number of a UUID.
func (r *reader) build() error {
	items, err := r.popN(2)
	if err != nil {
		return err
	}
	u, ok := items[0].(*unbuiltUUID)
	if !ok {
		what := kindName(items[0])
		if g, ok := items[0].(global); ok {
			what = g.String()
		}
		return refused("", "setting attributes of "+what)
	}
	state, ok := items[1].(*Dict)
	if !ok {
		return badArguments(globalUUID)
	}
	v, err := uuidFromState(state)
	if err != nil {
		return err
	}
	for _, i := range u.memo {
		if old, _ := r.memo.get(i); old == Value(u) {
			r.memo.put(i, v)
		}
	}
	return r.push(v)
}

func uuidFromState(state *Dict) (Value, error) {
	var id UUID
	found := false
	for k, v := range state.All() {
		switch k {
		case "int":
			n, ok := bigInt(v)
			if !ok || n.Sign() < 0 || n.BitLen() > 8*len(id) {
				return nil, badArguments(globalUUID)
			}
			n.FillBytes(id[:])
			found = true
		case "is_safe":
			if _, ok := v.(int64); !ok && v != nil {
				return nil, badArguments(globalUUID)
			}
		default:
			return nil, refused("", "unknown attribute of a UUID")
		}
	}
	if !found {
		return nil, badArguments(globalUUID)
	}
	return id, nil
}

func bigInt(v Value) (*big.Int, bool) {
	switch v := v.(type) {
	case int64:
		return big.NewInt(v), true
	case *big.Int:
		return v, true
	}
	return nil, false
}

// makeSet makes sets the way protocols below 4 do, from a list.
func (r *reader) makeSet(g global, args []Value) (Value, error) {
	if len(args) != 1 {
		return nil, badArguments(g)
	}
	l, ok := args[0].(*List)
	if !ok {
		return nil, badArguments(g)
	}
	if err := r.budget.list(len(l.Items)); err != nil {
		return nil, err
	}
	f := &FrozenSet{}
	if err := r.add(&f.Set, l.Items); err != nil {
		return nil, err
	}
	if g == globalSet {
		return &f.Set, nil
	}
	return f, nil
}

// makeBytes makes bytes the way protocols below 3 do, from text in Latin-1,
// and byte arrays the way those below 5 do.
func (r *reader) makeBytes(g global, args []Value) (Value, error) {
	b, err := r.bytesFrom(g, args)
	if err != nil {
		return nil, err
	}
	if g == globalByteArray {
		return ByteArray(b), nil
	}
	return b, nil
}

func (r *reader) bytesFrom(g global, args []Value) ([]byte, error) {
	switch {
	case len(args) == 0 && g != globalEncode:
		return []byte{}, nil
	case len(args) == 1 && g == globalByteArray:
		if b, ok := args[0].([]byte); ok {
			return slices.Clone(b), r.budget.copy(len(b))
		}
	case len(args) == 2 && g != globalBytes:
		s, ok := args[0].(string)
		if ok && (args[1] == "latin1" || args[1] == "latin-1") {
			if err := r.budget.copy(len(s)); err != nil {
				return nil, err
			}
			if b, ok := latin1(s); ok {
				return b, nil
			}
		}
	}
	return nil, badArguments(g)
}

// latin1 encodes s in Latin-1.
func latin1(s string) ([]byte, bool) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		if c > 0xff || c == utf8.RuneError {
			return nil, false
		}
		b = append(b, byte(c))
		i += n
	}
	return b, true
}

func makeComplex(args []Value) (Value, error) {
	if len(args) == 2 {
		re, ok1 := args[0].(float64)
		im, ok2 := args[1].(float64)
		if ok1 && ok2 {
			return complex(re, im), nil
		}
	}
	return nil, badArguments(globalComplex)
}

func (r *reader) makeDecimal(args []Value) (Value, error) {
	if len(args) == 1 {
		if s, ok := args[0].(string); ok {
			if err := r.budget.hash(len(s)); err != nil {
				return nil, err
			}
			if d := Decimal(s); d.Valid() {
				return d, nil
			}
		}
	}
	return nil, badArguments(globalDecimal)
}
