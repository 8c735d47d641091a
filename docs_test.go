package cloakroom_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The documents say which test shows what. Those tests must exist.
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
	least := map[string]int{"README.md": 10, "docs/architecture.md": 50, "docs/guarantees.md": 10, "docs/security.md": 100}
	for _, doc := range documents(t) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		found := name.FindAllSubmatch(text, -1)
		if len(found) < least[filepath.ToSlash(doc)] {
			t.Errorf("%s names only %d tests: the pattern is out of date", doc, len(found))
		}
		for _, m := range found {
			if !strings.Contains(code.String(), "func "+string(m[1])+"(") {
				t.Errorf("%s names %s, which does not exist", doc, m[1])
			}
		}
	}
}

// The security page answers each of the 64 requirements, each of ASVS 5.0's
// chapters V7 and V3.3, and each kind of faults, in their order. What is met
// names a test.
func TestSecurityPageIsComplete(t *testing.T) {
	text, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^\| ([SK]?\d[.\d]*) \|(.*)\|$`).FindAllStringSubmatch(string(text), -1) {
		number, cells := m[1], strings.Split(m[2], "|")
		got = append(got, number)
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		tests := cells[len(cells)-1]
		if number[0] == 'K' {
			if len(cells) != 4 || cells[0] == "" || cells[1] == "" || tests == "" {
				t.Errorf("%s: a row of %d cells, or with an empty one", number, len(cells))
			}
			continue
		}
		answer := cells[len(cells)-3]
		if number[0] == 'S' {
			count[answer]++
		}
		switch answer {
		case "met", "in part":
			if !strings.Contains(tests, "`Test") {
				t.Errorf("%s is said to be %s, and names no test", number, answer)
			}
		case "not met", "application", "does not apply":
		default:
			t.Errorf("%s is answered %q", number, answer)
		}
	}
	want := strings.Fields(`7.1.1 7.1.2 7.1.3 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5
		7.5.1 7.5.2 7.5.3 7.6.1 7.6.2 3.3.1 3.3.2 3.3.3 3.3.4 3.3.5 K1 K2 K3 K4 K5 K6 K7 K8 K9 K10 K11`)
	for i := 64; i > 0; i-- {
		want = slices.Insert(want, 0, fmt.Sprint("S", i))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rows are\n%s, want\n%s", got, want)
	}
	sum := fmt.Sprintf("Of the 64, %d are met, %d in part, %d are not, %d are the application's, and %d do not apply.",
		count["met"], count["in part"], count["not met"], count["application"], count["does not apply"])
	if !strings.Contains(string(text), sum) {
		t.Errorf("the page does not say: %s", sum)
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
