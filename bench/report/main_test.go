package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const raw = `# 2 rounds of 1s
# round 1
goos: linux
BenchmarkRead/store=memory/size=100B/lib=cloakroom-2  100  100 ns/op  10 B/op  1 allocs/op
BenchmarkRead/store=memory/size=100B/lib=scs-2  100  600 ns/op  10 B/op  1 allocs/op
BenchmarkRead/store=memory/size=100B/lib=fiber-2  100  900 ns/op  10 B/op  1 allocs/op
BenchmarkWrite/store=file/size=100B/lib=cloakroom-2  100  9000 ns/op  10 B/op  1 allocs/op
BenchmarkWrite/store=file/size=100B/lib=cloakroom-unsynced-2  100  1000 ns/op  10 B/op  1 allocs/op
BenchmarkWrite/store=file/size=100B/lib=gorilla-2  100  2000 ns/op  10 B/op  1 allocs/op
# round 2
BenchmarkRead/store=memory/size=100B/lib=cloakroom-2  100  1000 ns/op  10 B/op  1 allocs/op
BenchmarkRead/store=memory/size=100B/lib=scs-2  100  8000 ns/op  10 B/op  1 allocs/op
BenchmarkRead/store=memory/size=100B/lib=fiber-2  100  9000 ns/op  10 B/op  1 allocs/op
# memory
BenchmarkMemory/store=memory/size=100B/lib=scs  1  9 ns/op  421 heap-B/session  469 resident-B/session
`

func TestReport(t *testing.T) {
	dir := t.TempDir()
	results, page := filepath.Join(dir, "results.txt"), filepath.Join(dir, "RESULTS.md")
	write(t, results, raw)
	write(t, page, "before\n"+beginMark+"old\n"+endMark+"after\n")
	var out strings.Builder
	if err := run([]string{results, page}, &out); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got := string(b)
	for what, line := range map[string]string{
		"the median of the rounds' ratios":  "| read | memory | 100 B | 550 ns | scs 4.30 µs | 7.00× | 5.00× | met |",
		"unsynced against the peer's files": "| write | file | 100 B | unsynced 1.00 µs | gorilla 2.00 µs | 2.00× | 3.00× | **missed** |",
		"the synced row":                    "| file | cloakroom | 9.00 µs, 10 B, 1 |",
		"memory":                            "| scs | 421 B | 469 B |",
		"the count":                         "1 met, 1 missed.",
		"what stands before":                "before\n" + beginMark,
		"what stands after":                 endMark + "after\n",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("%s: %q is missing in:\n%s", what, line, got)
		}
	}
	if strings.Contains(got, "old") {
		t.Error("the old tables are still there")
	}
	if !strings.Contains(out.String(), "1 targets met, 1 missed") {
		t.Errorf("printed %q", out.String())
	}
}

func TestReportRefuses(t *testing.T) {
	for name, c := range map[string]struct{ raw, page string }{
		"a benchmark that failed": {raw + "--- FAIL: BenchmarkRead\n", beginMark + endMark},
		"a line cut short":        {"BenchmarkRead/store=memory/size=1KB/lib=scs-2 100 1\n", beginMark + endMark},
		"a page without marks":    {raw, "nothing\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			results, page := filepath.Join(dir, "results.txt"), filepath.Join(dir, "RESULTS.md")
			write(t, results, c.raw)
			write(t, page, c.page)
			if err := run([]string{results, page}, &strings.Builder{}); err == nil {
				t.Error("no error")
			}
			if b, _ := os.ReadFile(page); string(b) != c.page {
				t.Error("the page was changed")
			}
		})
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
