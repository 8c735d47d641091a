package main

import "testing"

func TestShownAddress(t *testing.T) {
	for address, want := range map[string]string{
		"redis://ada:secret@host:6379/0":   "redis://host:6379",
		"redis://ada:12/secret@host/0":     "redis://", // the slash belongs to the password
		"postgres://ada:12?secret@host/d":  "postgres://",
		"mysql://ada:12#secret@host/d":     "mysql://",
		"sqlite:/var/lib/app/sessions.db":  "sqlite:/var/lib/app/sessions.db",
		"file:/srv/sessions?unsynced=true": "file:/srv/sessions",
		"redis://ada:secret":               "the store", // no port
		"secret":                           "the store",
	} {
		if got := shownAddress(address); got != want {
			t.Errorf("shownAddress(%q) = %q, want %q", address, got, want)
		}
	}
}
