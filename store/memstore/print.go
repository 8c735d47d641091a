package memstore

import (
	"fmt"
	"io"
)

// Format writes the name of the type, for every verb: fmt would print the records.
func (s *Store) Format(f fmt.State, _ rune) { io.WriteString(f, "memstore.Store") }
