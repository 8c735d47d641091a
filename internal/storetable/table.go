package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cloakroom/cloakroom/store/storetest"
)

// The lines around the table.
const (
	begin = "<!-- The stores; make stores writes them. -->\n"
	end   = "<!-- End of the stores. -->\n"
)

const head = "| store | package | survives a restart | shared by processes | rules kept, against | can also |\n" +
	"| --- | --- | --- | --- | --- | --- |\n"

// rewrite returns text with the table as the reports have it, and the tests of
// which there is none; lines that need one of those stay as they are.
func rewrite(text string, found map[string]storetest.Report) (string, []string, error) {
	before, rest, ok := strings.Cut(text, begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", nil, fmt.Errorf("there is no table between the lines %q and %q", begin, end)
	}
	var b strings.Builder
	var missing []string
	b.WriteString(before + begin + head)
	for _, r := range rows {
		lacks := slices.DeleteFunc(slices.Clone(r.runs), func(x suite) bool { _, ok := found[x.test]; return ok })
		for _, x := range lacks {
			missing = append(missing, x.test)
		}
		if len(lacks) > 0 {
			b.WriteString(oldLine(old, r))
			continue
		}
		line, err := r.line(found)
		if err != nil {
			return "", nil, err
		}
		b.WriteString(line)
	}
	b.WriteString(end + after)
	return b.String(), missing, nil
}

// oldLine returns the line of a row in a table.
func oldLine(table string, r row) string {
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "| "+r.store+" | ") {
			return line
		}
	}
	return ""
}

// line returns a row with what its runs have found.
func (r row) line(found map[string]storetest.Report) (string, error) {
	var ran []string
	can := found[r.runs[0].test].Has
	for i, x := range r.runs {
		report := found[x.test]
		if len(report.Failed) > 0 || len(report.Passed) == 0 {
			return "", fmt.Errorf("%s: %d cases failed, %d passed: mend that first", x.test, len(report.Failed), len(report.Passed))
		}
		if !slices.Equal(report.Has, can) {
			return "", fmt.Errorf("%s: has %v, where %s has %v: they need rows of their own", x.test, report.Has, r.runs[0].test, can)
		}
		cell := fmt.Sprintf("%d: %s", len(report.Passed), x.against)
		if i > 0 && len(report.Passed) == len(found[r.runs[i-1].test].Passed) {
			cell = x.against
		}
		if n := len(report.Skipped); n > 0 {
			cell += fmt.Sprintf(" (%d skipped)", n)
		}
		ran = append(ran, cell)
	}
	words, err := abilities(can)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n",
		r.store, r.packages, r.survives, r.shared, strings.Join(ran, ", "), words), nil
}

// abilities says in words what capabilities are for. All stores can be closed.
func abilities(can []storetest.Capability) (string, error) {
	var words []string
	for _, c := range can {
		switch c {
		case storetest.BatchLoader:
			words = append(words, "load many")
		case storetest.BatchSaver:
			words = append(words, "save together")
		case storetest.Lister:
			words = append(words, "list")
		case storetest.Cleaner:
			words = append(words, "clean up")
		case storetest.Pinger:
			words = append(words, "ping")
		case storetest.Closer:
		default:
			return "", errors.New("no word for the capability " + string(c))
		}
	}
	slices.Sort(words)
	return strings.Join(words, ", "), nil
}
