package codec

import (
	"bytes"
	"fmt"
	"hash/maphash"
)

// fewFields is up to how many fields a name is looked for one by one, which
// is faster than any table.
const fewFields = 32

// maxPresized is for how many fields room is made before they are seen.
const maxPresized = 4096

// presized returns dst with room for n more fields.
func presized(dst []Field, n int) []Field {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	return append(make([]Field, 0, len(dst)+n), dst...)
}

// A splitter collects the fields of one record, each name once.
type splitter struct {
	fields []Field
	base   int      // where the fields of this record begin
	table  []uint32 // open addressing: positions in fields, from base, plus one
	seed   maphash.Seed
}

// add appends f, or puts it into the place of the field with the same name.
func (s *splitter) add(f Field) error {
	if f.Name != nil {
		if i := s.find(f.Name); i >= 0 {
			s.fields[s.base+i] = f
			return nil
		}
	}
	n := len(s.fields) - s.base
	if n >= MaxFields {
		return fmt.Errorf("%w: more than %d fields", ErrLimit, MaxFields)
	}
	s.fields = append(s.fields, f)
	if s.table != nil || n+1 > fewFields {
		s.note(n)
	}
	return nil
}

func (s *splitter) find(name []byte) int {
	if s.table == nil {
		for i, f := range s.fields[s.base:] {
			if f.Name != nil && bytes.Equal(f.Name, name) {
				return i
			}
		}
		return -1
	}
	for h := s.slot(name); s.table[h] != 0; h = s.after(h) {
		i := int(s.table[h]) - 1
		if bytes.Equal(s.fields[s.base+i].Name, name) {
			return i
		}
	}
	return -1
}

// note enters field i into the table, which is rebuilt when it gets half full.
// The seed is random, so that nobody can choose names that collide.
func (s *splitter) note(i int) {
	if 2*(i+1) <= len(s.table) {
		s.enter(i)
		return
	}
	if s.table == nil {
		s.seed = maphash.MakeSeed()
	}
	s.table = make([]uint32, max(8*fewFields, 4*len(s.table)))
	for j := range i + 1 {
		s.enter(j)
	}
}

func (s *splitter) enter(i int) {
	name := s.fields[s.base+i].Name
	if name == nil {
		return
	}
	h := s.slot(name)
	for s.table[h] != 0 {
		h = s.after(h)
	}
	s.table[h] = uint32(i) + 1
}

func (s *splitter) slot(name []byte) int {
	return int(maphash.Bytes(s.seed, name) & uint64(len(s.table)-1))
}

func (s *splitter) after(h int) int { return (h + 1) & (len(s.table) - 1) }

// checkRecord refuses records that no codec reads.
func checkRecord(data []byte) error {
	if len(data) > MaxSize {
		return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrLimit, len(data), MaxSize)
	}
	return nil
}

// checkJoin refuses fields that no record can hold.
func checkJoin(fields []Field) error {
	if len(fields) > MaxFields {
		return fmt.Errorf("%w: %d fields, at most %d are allowed", ErrLimit, len(fields), MaxFields)
	}
	size := 0
	for i := range fields {
		f := &fields[i]
		if f.Name == nil && f.Key == nil {
			return fmt.Errorf("%w: a field has no name", ErrType)
		}
		if len(f.Raw) == 0 {
			return fmt.Errorf("%w: a field has no value", ErrType)
		}
		size += max(len(f.Key), len(f.Name)) + len(f.Raw)
		if size > MaxSize {
			return fmt.Errorf("%w: the record takes more than %d bytes", ErrLimit, MaxSize)
		}
	}
	return nil
}

var errName = fmt.Errorf("%w: a name is not valid UTF-8", ErrType)

// fail says what c was doing when err came up.
func fail(c Codec, operation string, err error) error {
	return fmt.Errorf("codec: %s %s: %w", operation, c.Name(), err)
}
