package cloakroom

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
)

// fmt would go through the unexported fields of a struct that knows nothing
// better, and past what their types have to say: tickets and values would end
// up in logs.

// String returns the session's handle with a word before it. It loads nothing:
// before the first use of the session there is no handle.
func (s *Session) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "session " + cmp.Or(s.base.handleText(), "(none)")
}

// Format writes what String returns, for every verb.
func (s *Session) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue returns what String returns.
func (s *Session) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Format keeps the session of a request's context from being printed.
func (v *visit) Format(f fmt.State, _ rune) { io.WriteString(f, "cloakroom.visit") }
