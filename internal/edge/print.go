package edge

import (
	"fmt"
	"io"
)

// What programs log of a request must not lead to its session or to the cookie
// of its answer.

// Format keeps the session of a request's context from being printed.
func (v *Visit) Format(f fmt.State, _ rune) { io.WriteString(f, "cloakroom.visit") }

// Format keeps the header of the answer from being printed, which holds the
// ticket once the session has been saved.
func (w *writer) Format(f fmt.State, _ rune) { io.WriteString(f, "cloakroom.writer") }

// Format is the writer's.
func (p *errorPage) Format(f fmt.State, _ rune) { io.WriteString(f, "cloakroom.writer") }
