package pickle

// Limits bound what a pickle may cost its reader. A field that is zero has its
// default, so that the zero value is the safe choice.
type Limits struct {
	// Size is the length of the pickle in bytes; 16 MiB by default.
	Size int
	// Depth is how deeply containers may be nested, the outermost one counted
	// as the first level; 256 by default.
	Depth int
	// Nodes is the number of values, keys included, that a program reaches
	// when it walks through the result without noticing what is shared; a
	// text or byte string counts once more for every 64 bytes. 1<<20 by default.
	Nodes int
	// Stack is the number of values on the machine's stack, and likewise of
	// marks; 1<<20 by default.
	Stack int
	// Memo is the number of values that are remembered for later reference,
	// and the highest number that one may have; 1<<22 by default.
	Memo int
	// Digits is the length of an integer that is spelled in decimal digits.
	// The default is 4300, which is also Python's (sys.int_info).
	Digits int
	// IntSize is the length in bytes of an integer in binary; 64 KiB by default.
	IntSize int
	// Fields is the number of parts that [Split] makes; 65536 by default.
	Fields int
}

var defaultLimits = Limits{}.withDefaults()

// withDefaults returns l with its zero fields filled in.
func (l Limits) withDefaults() Limits {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&l.Size, 16<<20)
	def(&l.Depth, 256)
	def(&l.Nodes, 1<<20)
	def(&l.Stack, 1<<20)
	def(&l.Memo, 1<<22)
	def(&l.Digits, 4300)
	def(&l.IntSize, 64<<10)
	def(&l.Fields, 1<<16)
	return l
}

// A budget bounds the work that a few bytes can ask for by naming a big
// value again and again. What a pickle that Python wrote needs is far below.
type budget struct {
	copied int // bytes that may still be copied from one value to another
	hashed int // bytes of keys that may still be hashed
	listed int // items of lists that may still be made into sets
}

func newBudget(size int) budget {
	return budget{copied: 16*size + 2<<20, hashed: 8*size + 64<<20, listed: size}
}

// copy takes n bytes of copying from the budget.
func (b *budget) copy(n int) error {
	if b.copied -= n; b.copied < 0 {
		return limit("too much copying for a pickle of this size")
	}
	return nil
}

// hash takes n bytes of hashing from the budget.
func (b *budget) hash(n int) error {
	if b.hashed -= n; b.hashed < 0 {
		return limit("too much hashing for a pickle of this size")
	}
	return nil
}

// list takes n items from the budget. Each has cost the pickle a byte at least,
// and Python makes no second set of a list.
func (b *budget) list(n int) error {
	if b.listed -= n; b.listed < 0 {
		return limit("too many sets for a pickle of this size")
	}
	return nil
}

// nodes is what a text or byte string of n bytes counts against Limits.Nodes.
func nodes(n int) int { return 1 + n/64 }
