package store_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/printtest"
	"github.com/cloakroom/cloakroom/store"
)

func TestRecordsPrintNoData(t *testing.T) {
	const data = "canary of what a visitor has in a session"
	r := store.Record{Data: []byte(data), Expires: time.Unix(1e9, 0).UTC()}
	for _, v := range []any{r, &r, []store.Record{r}, map[string]store.Record{"k": r}, struct{ R *store.Record }{&r}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			if text := fmt.Sprintf(verb, v); printtest.Shows(text, data) != "" {
				t.Errorf("%T by %s: %s", v, verb, text)
			}
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("loaded", "record", r)
	if text := log.String(); printtest.Shows(text, data) != "" || !strings.Contains(text, r.String()) {
		t.Errorf("logged as %s", text)
	}
	for want, r := range map[string]store.Record{
		"no record":         {},
		"record of 0 bytes": {Data: []byte{}},
		"record of 41 bytes until 2001-09-09T01:46:40Z": r,
	} {
		if got := r.String(); got != want {
			t.Errorf("String = %q, want %q", got, want)
		}
	}
}
