package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// stores are in the order of the tables. Only within one is a comparison fair.
var stores = []string{"memory", "cookie", "file", "none"}

// A section is a table for each store, with a row for each library and a
// column for each size.
type section struct{ work, title string }

var sections = []section{
	{"Untouched", "Untouched: a visitor with a session, a page that does not ask for it"},
	{"Read", "Read: one string of the session"},
	{"Write", "Write: one number read and set to one more"},
	{"New", "New: a session of five values for a visitor without cookie"},
	{"Items", "Items: the whole list of a session read and added up"},
	{"ParallelRead", "Read, 64 visitors at once"},
	{"ParallelWrite", "Write, 64 visitors at once"},
}

func writeSection(w io.Writer, res *results, s section) {
	var all []*cell
	for _, store := range stores {
		all = append(all, res.find(s.work, store, "")...)
	}
	if len(all) == 0 {
		return
	}
	sizes := sizesOf(all)
	fmt.Fprintf(w, "\n### %s\n\n| store | library |", s.title)
	for _, size := range sizes {
		fmt.Fprintf(w, " %s |", label(size))
	}
	fmt.Fprintf(w, "\n| --- | --- |%s\n", strings.Repeat(" --: |", len(sizes)))
	for _, store := range stores {
		writeRows(w, res.find(s.work, store, ""), store, sizes)
	}
}

func writeRows(w io.Writer, cells []*cell, store string, sizes []string) {
	var libs []string
	for _, c := range cells {
		if !slices.Contains(libs, c.lib) {
			libs = append(libs, c.lib)
		}
	}
	for _, lib := range libs {
		fmt.Fprintf(w, "| %s | %s |", store, lib)
		for _, size := range sizes {
			fmt.Fprintf(w, " %s |", contents(cells, lib, size))
		}
		fmt.Fprintln(w)
	}
}

func contents(cells []*cell, lib, size string) string {
	i := slices.IndexFunc(cells, func(c *cell) bool { return c.lib == lib && c.size == size })
	if i < 0 {
		return "does not fit"
	}
	c := cells[i]
	ns, _ := c.median("ns/op")
	bytes, _ := c.median("B/op")
	allocs, _ := c.median("allocs/op")
	return fmt.Sprintf("%s, %s, %.0f", duration(ns), amount(bytes), allocs)
}

func writeMemory(w io.Writer, res *results) {
	cells := res.find("Memory", "memory", "")
	if len(cells) == 0 {
		return
	}
	fmt.Fprint(w, "\n### Memory: a million sessions of five values\n\n"+
		"| library | heap per session | memory of the process per session |\n| --- | --: | --: |\n")
	for _, c := range cells {
		heap, _ := c.median("heap-B/session")
		resident, _ := c.median("resident-B/session")
		fmt.Fprintf(w, "| %s | %.0f B | %.0f B |\n", c.lib, heap, resident)
	}
}

// label is a size's name as people write it.
func label(size string) string {
	size = strings.ReplaceAll(size, "_", " ")
	for _, unit := range []string{"KB", "B"} {
		if number, rest, ok := strings.Cut(size, unit); ok && number != "" {
			return number + " " + unit + rest
		}
	}
	return size
}

// duration writes nanoseconds with three digits.
func duration(ns float64) string {
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%s µs", digits(ns/1e3))
	default:
		return fmt.Sprintf("%s ms", digits(ns/1e6))
	}
}

func amount(bytes float64) string {
	switch {
	case bytes < 1e4:
		return fmt.Sprintf("%.0f B", bytes)
	case bytes < 1e6:
		return fmt.Sprintf("%s kB", digits(bytes/1e3))
	default:
		return fmt.Sprintf("%s MB", digits(bytes/1e6))
	}
}

func times(ratio float64) string { return digits(ratio) + "×" }

func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}
