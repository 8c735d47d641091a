package msgpack

// Most of the bytes of a large session are a list of alike dictionaries: the
// lines of a cart, the messages of a chat. Walking over them value by value is
// slow for one reason: where a value begins is known only when the one before
// has been looked at. A shape remembers the values of one such row. While the
// following rows are like it, their values are where the shape says, and the
// processor need not wait.

const (
	fewRows   = 4  // shorter lists are not worth the effort
	maxShape  = 32 // values in a row
	maxShapes = 4  // rows that may differ before a list counts as mixed

	noHead = 256
)

// A shape is one row of a list, as the sequence of its values without regard
// to their nesting.
type shape struct {
	n      int
	values [maxShape]shapeValue
}

type shapeValue struct {
	head uint16 // the first byte, if that alone fixes the size; else noHead
	size uint8
	open bool // it is a list or map
}

// learn takes the shape of the row in data, which has been skipped before. It
// reports whether a row can have a shape.
func (s *shape) learn(data []byte) bool {
	p := 0
	for s.n = 0; p < len(data); s.n++ {
		c := data[p]
		if s.n == maxShape || c >= codeList16 && c <= codeMap32 {
			return false
		}
		size := sizes[c]
		if size > 0 {
			s.values[s.n] = shapeValue{uint16(c), size, isFixContainer(c)}
			p += int(size)
			continue
		}
		s.values[s.n] = shapeValue{head: noHead}
		var err error
		if p, _, err = longHeader(data, p); err != nil {
			return false
		}
	}
	return true
}

// skip returns the index after the row that begins at data[p], or -1 if it has
// another shape. Lists and maps must be the same as in the shape, so that it
// has the same nesting; other values can be any.
func (s *shape) skip(data []byte, p int) int {
	values := s.values[:s.n]
	for i := range values {
		if uint(p) >= uint(len(data)) {
			return -1
		}
		v, c := &values[i], data[p]
		if uint16(c) == v.head {
			p += int(v.size)
			continue
		}
		switch {
		case v.open || isFixContainer(c):
			return -1
		case c&0xe0 == codeFixString:
			p += 1 + int(c&31)
		case c == codeString8 && p+1 < len(data):
			p += 2 + int(data[p+1])
		case sizes[c] != 0:
			p += int(sizes[c])
		default:
			end, _, err := longHeader(data, p)
			if err != nil || c >= codeList16 {
				return -1
			}
			p = end
		}
	}
	return p
}

// skipRows skips rows of a list of n, of which the first begins at data[p]. It
// returns where it stopped and how many rows are left for the caller, who
// finds the errors: skipRows stops before a row that is wrong.
func skipRows(data []byte, p, n, depth int) (end, left int) {
	if n < fewRows || p >= len(data) || !isFixContainer(data[p]) {
		return p, n
	}
	var s shape
	for range maxShapes {
		end, err := skipPlain(data, p, depth)
		if err != nil || !s.learn(data[p:end]) {
			return p, n
		}
		for p, n = end, n-1; n > 0; n-- {
			end := s.skip(data, p)
			if end < 0 || end > len(data) {
				break
			}
			p = end
		}
		if n == 0 {
			break
		}
	}
	return p, n
}
