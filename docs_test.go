package cloakroom_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// README and docs say which test shows what. Those tests must exist.
func TestDocsNameTestsThatExist(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(b)
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
