package cloakroom

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Export returns all that is kept of a user in his sessions that are alive, as JSON
// for people to read: for requests about data protection. For each session it has the
// handle, the device's description if there is one, when it was created, logged in to
// and last used, when it expires, all its values, and the flash messages that no page
// has shown yet, each with its category. Bytes are in base64, and so is a value that
// cannot be read, as {"unreadable": …}. The errors are those of
// Devices. It holds what the sessions hold: hand it to nobody but the user.
func (m *Manager) Export(ctx context.Context, user string) ([]byte, error) {
	list, err := m.engine.Devices(ctx, user, "export")
	if err != nil {
		return nil, err
	}
	export := userExport{User: user, Sessions: []sessionExport{}}
	for i := range list {
		d := &list[i]
		x := sessionExport{
			Handle: d.Handle, Device: d.Description, Created: d.Created, Login: d.Login,
			LastUse: d.LastUse, Expires: d.Expires, Values: map[string]any{},
		}
		m.engine.Values(d, func(name string, v any, raw []byte, err error) {
			if err != nil {
				v = map[string]any{"unreadable": raw}
			}
			x.Values[name] = jsonValue(v)
		})
		m.engine.FlashesOf(d, func(category, message string) {
			x.Flashes = append(x.Flashes, flashExport{category, message})
		})
		export.Sessions = append(export.Sessions, x)
	}
	out, err := json.MarshalIndent(export, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cloakroom: export: %w", err)
	}
	return out, nil
}

type userExport struct {
	User     string          `json:"user"`
	Sessions []sessionExport `json:"sessions"`
}

type sessionExport struct {
	Handle  string         `json:"handle"`
	Device  string         `json:"device,omitempty"`
	Created time.Time      `json:"created"`
	Login   time.Time      `json:"login"`
	LastUse time.Time      `json:"last_use,omitzero"`
	Expires time.Time      `json:"expires"`
	Values  map[string]any `json:"values"`
	Flashes []flashExport  `json:"flashes,omitempty"`
}

type flashExport struct {
	Category string `json:"category"`
	Message  string `json:"message"`
}

// jsonValue returns v, as Session.Get gives it, as encoding/json can write it.
func jsonValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			v[name] = jsonValue(x)
		}
	case map[any]any:
		m := make(map[string]any, len(v))
		for name, x := range v {
			m[fmt.Sprint(name)] = jsonValue(x)
		}
		return m
	case []any:
		for i, x := range v {
			v[i] = jsonValue(x)
		}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
	}
	return v
}
