package ledger

import (
	"strings"

	"github.com/cloakroom/cloakroom/codec"
)

// few is up to how many names are searched one by one, which is faster than a
// map. With more of them the time of a request would grow with the square of
// what a visitor can put into a session.
const few = 32

// patience is how often more fields than few are searched one by one before a
// map is made of them. Making it takes about as long as so many searches, and
// most requests ask for one value of a session.
const patience = 16

// placesOf returns where the first field of each name is.
func placesOf(fields []codec.Field) map[string]int32 {
	size := 0
	for i := range fields {
		size += len(fields[i].Name)
	}
	var b strings.Builder // one string for all names
	b.Grow(size)
	for i := range fields {
		b.Write(fields[i].Name)
	}
	names := b.String()
	places := make(map[string]int32, len(fields))
	for i := len(fields) - 1; i >= 0; i-- { // from the last one, so that the first one stays
		f := &fields[i]
		start := len(names) - len(f.Name)
		if f.Name != nil {
			places[names[start:]] = int32(i)
		}
		names = names[:start]
	}
	return places
}

// placesIn returns where the change of each name is.
func placesIn(changes []change) map[string]int32 {
	places := make(map[string]int32, 2*len(changes))
	for i := range changes {
		places[changes[i].name] = int32(i)
	}
	return places
}
