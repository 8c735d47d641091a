package edge_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// After a request the server removes the files of a large upload. It looks for
// them in its own request, and the handler has parsed the form of another one,
// the one with the session.
func TestUploadsLeaveNoFiles(t *testing.T) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "large")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(make([]byte, 100_000))
	w.Close()
	recovers := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() { recover() }()
			next.ServeHTTP(w, r)
		})
	}
	for _, http2 := range []bool{false, true} {
		for _, panics := range []bool{false, true} {
			dir := t.TempDir()
			t.Setenv("TMPDIR", dir)
			t.Setenv("TMP", dir) // Windows
			during := 0
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseMultipartForm(1); err != nil {
					t.Error(err)
				}
				if during = files(t, dir); panics {
					panic("on purpose")
				}
			})
			outer, inner := sitetest.New(t, cloakroom.Options{}), sitetest.New(t, cloakroom.Options{CookieName: "__Host-inner"})
			srv := httptest.NewUnstartedServer(recovers(outer.Manager.Handler(inner.Manager.Handler(handler))))
			srv.EnableHTTP2 = http2
			srv.StartTLS()
			a, err := srv.Client().Post(srv.URL, w.FormDataContentType(), bytes.NewReader(form.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			srv.Close() // waits for the request's end
			if after := files(t, dir); during != 1 || after != 0 {
				t.Errorf("HTTP/%d, the handler panics %t: %d files during the request, want 1, and %d after it, want none",
					a.ProtoMajor, panics, during, after)
			}
		}
	}
}

func files(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
	}
	return len(list)
}
