package memcachedstore

import (
	"fmt"
	"io"
)

// String returns the Options without the password.
func (o Options) String() string {
	type plain Options
	if o.Password != "" {
		o.Password = "[hidden]"
	}
	return fmt.Sprintf("%+v", plain(o))
}

// Format writes what String returns, for every verb. fmt does not call it for
// Options in an unexported field.
func (o Options) Format(f fmt.State, _ rune) { io.WriteString(f, o.String()) }

// MarshalText returns what String returns, for encoding/json and slog.
func (o Options) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
