package cloakroom_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// README and docs say which test shows what. Those tests must exist.
func TestDocsNameTestsThatExist(t *testing.T) {
	var code strings.Builder
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		code.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+)`")
	for _, doc := range []string{"README.md", "docs/architecture.md"} {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		found := name.FindAllSubmatch(text, -1)
		if len(found) < 10 {
			t.Errorf("%s names only %d tests: the pattern is out of date", doc, len(found))
		}
		for _, m := range found {
			if !strings.Contains(code.String(), "func "+string(m[1])+"(") {
				t.Errorf("%s names %s, which does not exist", doc, m[1])
			}
		}
	}
}
