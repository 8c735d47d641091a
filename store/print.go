package store

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

// String returns the size and the expiry of the record. Its data is a visitor's
// session, which is nobody's business who reads a log. encoding/json writes a
// Record whole, for stores that keep JSON.
func (r Record) String() string {
	switch {
	case !r.Exists():
		return "no record"
	case r.Expires.IsZero():
		return fmt.Sprintf("record of %d bytes", len(r.Data))
	}
	return fmt.Sprintf("record of %d bytes until %s", len(r.Data), r.Expires.Format(time.RFC3339Nano))
}

// Format writes what String returns, for every verb.
func (r Record) Format(f fmt.State, _ rune) { io.WriteString(f, r.String()) }

// LogValue returns what String returns.
func (r Record) LogValue() slog.Value { return slog.StringValue(r.String()) }
