package cloakroom_test

import (
	"encoding/json"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

func TestExport(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	s.Browser(t).OK(func(s *cloakroom.Session) {
		s.Login("ada")
		s.Set("cart", map[any]any{"tea": 2, 7: []byte("x")})
		s.Set("odd", []any{1.5, "text", nil, true})
		s.Flash("success", "Welcome.")
		s.Flash("", "Two.")
	})
	s.Browser(t).OK(func(s *cloakroom.Session) {
		s.Login("bob")
		s.Set("cart", "of bob")
	})
	out, err := s.Manager.Export(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		User     string
		Sessions []struct {
			Handle, Device string
			Values         map[string]any
			Flashes        []map[string]string
		}
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if got.User != "ada" || len(got.Sessions) != 1 || got.Sessions[0].Handle == "" {
		t.Fatalf("got %s", out)
	}
	values, _ := json.Marshal(got.Sessions[0].Values)
	if want := `{"cart":{"7":"eA==","tea":2},"odd":[1.5,"text",null,true]}`; string(values) != want {
		t.Errorf("values %s, want %s", values, want)
	}
	flashes, _ := json.Marshal(got.Sessions[0].Flashes)
	if want := `[{"category":"success","message":"Welcome."},{"category":"","message":"Two."}]`; string(flashes) != want {
		t.Errorf("flashes %s, want %s", flashes, want)
	}
	if out, err = s.Manager.Export(t.Context(), "nobody"); err != nil || string(out) != "{\n  \"user\": \"nobody\",\n  \"sessions\": []\n}" {
		t.Errorf("of nobody %s, %v", out, err)
	}
}
