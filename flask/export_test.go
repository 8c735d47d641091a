package flask

import (
	"fmt"
	"io"
)

// WriteKeyTable lets the test see the table of keys for the manual.
func WriteKeyTable(w io.Writer) error { return writeKeyTable(w) }

// IsPlainLetter lets the test go through all letters of a cookie's domain.
func IsPlainLetter(r rune) bool { return isPlainLetter(r) }

// A KeyInfo is what the registry says of one key.
type KeyInfo struct{ Name, Field, Default, Note string }

// Keys returns the registry.
func Keys() []KeyInfo {
	var infos []KeyInfo
	for _, k := range configKeys {
		infos = append(infos, KeyInfo{k.name, k.field, k.def, k.note})
	}
	return infos
}

// PrefixedEnv returns all that FromEnv reads from variables with Flask's
// prefix, as nested maps; or an error where Flask raises one.
func PrefixedEnv(environ []string) (map[string]any, error) {
	config := map[string]any{}
	for _, s := range fromEnv(environ) {
		if s.plain {
			continue
		}
		at := config
		for _, part := range s.path[:len(s.path)-1] {
			if at[part] == nil {
				at[part] = map[string]any{}
			}
			below, ok := at[part].(map[string]any)
			if !ok {
				return nil, fmt.Errorf("%s is no table", part)
			}
			at = below
		}
		at[s.path[len(s.path)-1]] = s.value
	}
	return config, nil
}

// PickleCodec is that of pickled records alone.
var PickleCodec = pickled
