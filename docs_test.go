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

// GitHub shows a table only if its rows follow one another and a line of
// dashes follows the first: an empty line in between makes text of the rest.
func TestTablesAreWhole(t *testing.T) {
	for _, doc := range documents(t) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		lines := append(strings.Split(string(text), "\n"), "", "")
		for i, line := range lines {
			begins := strings.HasPrefix(line, "|") && (i == 0 || !strings.HasPrefix(lines[i-1], "|"))
			if begins && !strings.HasPrefix(lines[i+1], "| -") && !strings.HasPrefix(lines[i+1], "|-") {
				t.Errorf("%s:%d: a table begins without a head", doc, i+1)
			}
		}
	}
}

func TestLinksOfDocsLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s"]+)(?:#[^)]*)?\)`)
	total := 0
	for _, doc := range documents(t) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			total++
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), string(m[1]))); err != nil {
				t.Errorf("%s links to %s, which does not exist", doc, m[1])
			}
		}
	}
	if total < 20 {
		t.Errorf("only %d links were checked: the pattern is out of date", total)
	}
}

// documents are the texts that people read first.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "bench/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) < 5 {
		t.Fatalf("only %d documents: %q", len(all), all)
	}
	return all
}
