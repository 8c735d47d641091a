package pickle

// A global is a class or function that a pickle may name. None of them is ever
// called: each stands for a way to make a plain value (see construct.go).
type global uint8

const (
	_ global = iota
	globalSet
	globalFrozenSet
	globalBytes
	globalByteArray
	globalComplex
	globalStr
	globalObject
	globalReconstructor
	globalEncode
	globalDateTime
	globalDate
	globalTime
	globalTimeDelta
	globalTimeZone
	globalDecimal
	globalUUID
	globalMarkup
)

// A name is how a pickle names a global.
type name struct{ module, attr string }

// names are the names of the globals in Python 3.
var names = [...]name{
	globalSet:           {"builtins", "set"},
	globalFrozenSet:     {"builtins", "frozenset"},
	globalBytes:         {"builtins", "bytes"},
	globalByteArray:     {"builtins", "bytearray"},
	globalComplex:       {"builtins", "complex"},
	globalStr:           {"builtins", "str"},
	globalObject:        {"builtins", "object"},
	globalReconstructor: {"copyreg", "_reconstructor"},
	globalEncode:        {"_codecs", "encode"},
	globalDateTime:      {"datetime", "datetime"},
	globalDate:          {"datetime", "date"},
	globalTime:          {"datetime", "time"},
	globalTimeDelta:     {"datetime", "timedelta"},
	globalTimeZone:      {"datetime", "timezone"},
	globalDecimal:       {"decimal", "Decimal"},
	globalUUID:          {"uuid", "UUID"},
	globalMarkup:        {"markupsafe", "Markup"},
}

// String returns the name in Python 3.
func (g global) String() string { return names[g].module + "." + names[g].attr }

// python2 returns the name in Python 2, which protocols 0 to 2 use.
func (g global) python2() name {
	n := names[g]
	switch n.module {
	case "builtins":
		n.module = "__builtin__"
	case "copyreg":
		n.module = "copy_reg"
	}
	if g == globalStr {
		n.attr = "unicode"
	}
	return n
}

// known finds a global by either name.
var known = func() map[name]global {
	m := make(map[name]global, 2*len(names))
	for g := global(1); int(g) < len(names); g++ {
		m[names[g]] = g
		m[g.python2()] = g
	}
	return m
}()

// global pushes the global that GLOBAL or STACK_GLOBAL names.
func (r *reader) global(op byte) error {
	n, err := r.name(op)
	if err != nil {
		return err
	}
	g, ok := known[n]
	if !ok {
		return refused(n.module+"."+n.attr, "not in the list of plain values")
	}
	return r.push(g)
}

func (r *reader) name(op byte) (name, error) {
	if op == opGlobal {
		module, err := r.line()
		if err != nil {
			return name{}, err
		}
		attr, err := r.line()
		return name{string(module), string(attr)}, err
	}
	items, err := r.popN(2)
	if err != nil {
		return name{}, err
	}
	module, ok1 := items[0].(string)
	attr, ok2 := items[1].(string)
	if !ok1 || !ok2 {
		return name{}, malformed("the name of a global is not a str")
	}
	// The names are hashed and perhaps shown: a long one is none of ours.
	if len(module) > 1000 || len(attr) > 1000 {
		return name{}, refused(module[:min(len(module), 1000)], "name too long")
	}
	return name{module, attr}, nil
}
