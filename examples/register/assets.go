package register

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
)

// The static files, without the licence that stands beside Bootstrap's.
//
//go:embed static/*.css static/*.js static/*.svg
var staticFiles embed.FS

// assets serves the static files below a prefix that is named after what is in
// them, so that browsers may keep them for ever and never show an old one.
type assets struct {
	prefix string
	files  http.Handler
}

func newAssets() (assets, error) {
	files, err := fs.Sub(staticFiles, "static")
	if err != nil {
		return assets{}, err
	}
	sum := sha256.New()
	err = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(data), data)
		return err
	})
	if err != nil {
		return assets{}, err
	}
	prefix := "/static/" + hex.EncodeToString(sum.Sum(nil)[:6]) + "/"
	return assets{prefix, http.StripPrefix(prefix, http.FileServerFS(files))}, nil
}

// url is where a static file is served.
func (a assets) url(name string) string { return a.prefix + name }

func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == a.prefix { // no list of the files
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	a.files.ServeHTTP(w, r)
}

// left serves the style sheet that tells countdown.css how long the session
// still has: /left/43-60.css for 43 of 60 seconds. Numbers cannot come in a
// style attribute, which the policy forbids, and the countdown shall run
// without scripts.
func left(w http.ResponseWriter, r *http.Request) {
	var seconds, of int
	sheet := r.PathValue("sheet")
	n, _ := fmt.Sscanf(sheet, "%d-%d.css", &seconds, &of)
	if n != 2 || seconds < 0 || of < 1 || sheet != leftSheet(seconds, of) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	fmt.Fprintf(w, ":root { --seconds: %d; --left: %ds; --part: %.4f }\n",
		seconds, seconds, min(1, float64(seconds)/float64(of)))
}

func leftSheet(seconds, of int) string { return fmt.Sprintf("%d-%d.css", seconds, of) }
