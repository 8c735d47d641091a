package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

func TestCheckChanges(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		want error
	}{
		{"no changes", nil, nil},
		{"different keys", []string{"a", "A", "b"}, nil},
		{"the same key twice", []string{"a-secret-key", "b", "a-secret-key"}, store.ErrKey},
		{"a key that is refused", []string{"a", "a secret key"}, store.ErrKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			var changes []store.Change
			for _, key := range c.keys {
				changes = append(changes, store.Change{Key: key})
			}
			err := store.CheckChanges(changes)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("CheckChanges = %v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("CheckChanges = %v, which quotes the key", err)
			}
		})
	}
}
