package redisproto

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

// oldAndNew is a server that knows IFEQ or not, and notes what it is asked.
type oldAndNew struct {
	Driver
	knows bool
	asked []string
}

var errSyntax = errors.New("ERR syntax error")

func (d *oldAndNew) Int(_ context.Context, c Command) (int64, error) {
	if i := slices.Index(c.Args, "IFEQ"); i >= 0 {
		d.asked = append(d.asked, "IFEQ "+c.Args[i+1])
		if !d.knows {
			return 0, errSyntax
		}
		return 1, nil
	}
	d.asked = append(d.asked, c.Words[0])
	return 1, nil
}

func (d *oldAndNew) ServerError(err error) (string, bool) {
	if err == nil {
		return "", false
	}
	return err.Error(), true
}

func TestConditionalSetIsUsedWhereItIsKnown(t *testing.T) {
	for _, c := range []struct {
		name  string
		knows []bool // at each Save
		want  []string
	}{
		{"old server", []bool{false, false}, []string{"IFEQ old", "EVALSHA", "EVALSHA"}},
		{"new server", []bool{true, true}, []string{"IFEQ old", "IFEQ old"}},
		{"an old one takes over", []bool{true, false, false}, []string{"IFEQ old", "IFEQ old", "EVALSHA", "EVALSHA"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &oldAndNew{}
			s, err := New(d, Options{Name: "test"})
			if err != nil {
				t.Fatal(err)
			}
			for _, d.knows = range c.knows {
				if _, err := s.Save(t.Context(), "k", store.Record{Data: []byte("old")}, store.Record{Data: []byte("new")}); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(d.asked, c.want) {
				t.Errorf("the server is asked %q, want %q", d.asked, c.want)
			}
		})
	}
}

func TestUnspecificErrors(t *testing.T) {
	for message, want := range map[string]bool{
		"ERR syntax error":                  true,
		"syntax error":                      true,
		"OOM command not allowed":           false,
		"READONLY You can't write":          false,
		"WRONGTYPE Operation against a key": false,
	} {
		if got := unspecific(message); got != want {
			t.Errorf("unspecific(%q) = %v, want %v", message, got, want)
		}
	}
}
