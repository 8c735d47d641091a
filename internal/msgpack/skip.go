package msgpack

import (
	"encoding/binary"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// sizes holds for each first byte the size of the whole value, or of the
// header of a list or map that it counts itself. It is 0 where the size
// stands in the bytes that follow, and where the byte is never used.
var sizes = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c < codeFixString:
			t[c] = 1
		case c < codeNil:
			t[c] = 1 + uint8(c&31)
		case c >= codeNegative:
			t[c] = 1
		}
	}
	for c, size := range map[int]uint8{
		codeNil: 1, codeFalse: 1, codeTrue: 1, codeFloat32: 5, codeFloat64: 9,
		codeUint8: 2, codeUint16: 3, codeUint32: 5, codeUint64: 9,
		codeInt8: 2, codeInt16: 3, codeInt32: 5, codeInt64: 9,
		codeFixExt1: 3, codeFixExt2: 4, codeFixExt4: 6, codeFixExt8: 10, codeFixExt16: 18,
	} {
		t[c] = size
	}
	return t
}()

// isFixContainer reports whether c begins a list or map of up to 15 elements.
func isFixContainer(c byte) bool { return c&0xe0 == codeFixMap }

// fixChildren returns how many values follow such a byte.
func fixChildren(c byte) int {
	n := int(c & 15)
	if c < codeFixList {
		n *= 2
	}
	return n
}

// longHeader reads the header at data[p] of a value whose size is not in sizes. It
// returns where the header ends, together with the bytes of a string, bin or
// extension, and how many values follow in it. It checks both against the
// bytes that are there.
func longHeader(data []byte, p int) (end, children int, err error) {
	rest := data[p:]
	var width int
	c := rest[0]
	switch c {
	case codeBin8, codeExt8, codeString8:
		width = 1
	case codeBin16, codeExt16, codeString16, codeList16, codeMap16:
		width = 2
	case codeBin32, codeExt32, codeString32, codeList32, codeMap32:
		width = 4
	default:
		return 0, 0, errNever
	}
	if len(rest) < 1+width {
		return 0, 0, errTruncated
	}
	var n int
	switch width {
	case 1:
		n = int(rest[1])
	case 2:
		n = int(binary.BigEndian.Uint16(rest[1:]))
	case 4:
		n = int(binary.BigEndian.Uint32(rest[1:]))
	}
	left := len(rest) - 1 - width
	if n < 0 || n > left { // negative where int has 32 bits
		return 0, 0, errTruncated
	}
	end = p + 1 + width
	switch c {
	case codeList16, codeList32:
		children = n
	case codeMap16, codeMap32:
		if n > left/2 {
			return 0, 0, errTruncated
		}
		children = 2 * n
	case codeExt8, codeExt16, codeExt32:
		if end += 1 + n; n+1 > left {
			return 0, 0, errTruncated
		}
	default:
		end += n
	}
	return end, children, nil
}

// Skip returns the index after the value that begins at data[p]. It checks
// the structure of the value, which may have depth levels of lists and maps,
// but not the UTF-8 of its strings.
func Skip(data []byte, p, depth int) (int, error) {
	if p >= len(data) {
		return 0, errTruncated
	}
	c := data[p]
	if size := int(sizes[c]); size != 0 && !isFixContainer(c) {
		if p += size; p > len(data) {
			return 0, errTruncated
		}
		return p, nil
	}
	return skip(data, p, depth)
}

// skip is Skip for lists and maps.
func skip(data []byte, p, depth int) (int, error) { return walk(data, p, depth, true) }

// skipPlain is skip without skipRows, which calls it.
func skipPlain(data []byte, p, depth int) (int, error) { return walk(data, p, depth, false) }

// walk keeps how many values each open list or map still lacks, rather than
// calling itself: nesting costs no stack.
func walk(data []byte, p, depth int, rows bool) (int, error) {
	var open [wire.MaxDepth]uint32
	top, left := 0, 1
	depth = min(depth, len(open))
	for {
		for left == 0 {
			if top == 0 {
				if p > len(data) {
					return 0, errTruncated
				}
				return p, nil
			}
			top--
			left = int(open[top])
		}
		left--
		if uint(p) >= uint(len(data)) {
			return 0, errTruncated
		}
		c := data[p]
		children := 0
		if size := int(sizes[c]); size != 0 {
			p += size
			if !isFixContainer(c) {
				continue
			}
			children = fixChildren(c)
		} else {
			var err error
			if p, children, err = longHeader(data, p); err != nil {
				return 0, err
			}
			if c < codeList16 {
				continue
			}
		}
		if top >= depth {
			return 0, errDepth
		}
		open[top] = uint32(left)
		top++
		left = children
		if rows && isList(c) {
			p, left = skipRows(data, p, children, depth-top)
		}
	}
}

// isList reports whether c, which begins a list or map, begins a list.
func isList(c byte) bool {
	return c&0xf0 == codeFixList || c == codeList16 || c == codeList32
}

// Check reports whether data is one whole value of at most depth levels.
func Check(data []byte, depth int) error {
	end, err := Skip(data, 0, depth)
	if err != nil {
		return err
	}
	if end != len(data) {
		return errTrailing
	}
	return nil
}
