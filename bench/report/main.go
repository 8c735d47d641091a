// Command report turns the raw output of the benchmarks into the tables of a
// Markdown file, between the two marks there, and prints which targets are met.
//
//	report results.txt RESULTS.md
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	beginMark = "<!-- tables: written by ./run, changes here are lost -->\n"
	endMark   = "<!-- end of tables -->\n"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: report results.txt RESULTS.md")
	}
	raw, err := os.Open(args[0])
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	defer raw.Close()
	res, err := parse(raw)
	if err != nil {
		return err
	}
	page, err := os.ReadFile(args[1])
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	text, met, missed := tables(res)
	page, err = replace(page, text)
	if err != nil {
		return fmt.Errorf("report: %s: %w", args[1], err)
	}
	writeTargets(stdout, res)
	fmt.Fprintf(stdout, "%d targets met, %d missed\n", met, missed)
	return os.WriteFile(args[1], page, 0o644)
}

// tables returns all that is made of the results.
func tables(res *results) (text []byte, met, missed int) {
	var w bytes.Buffer
	fmt.Fprintln(&w, "\n"+strings.Join(res.notes, "  \n"))
	fmt.Fprintln(&w, "\n## The targets")
	fmt.Fprintln(&w)
	met, missed = writeTargets(&w, res)
	fmt.Fprintf(&w, "\n%d met, %d missed.\n", met, missed)
	fmt.Fprintln(&w, "\n## All figures\n\nMedians: time, bytes allocated and allocations of one request.")
	for _, s := range sections {
		writeSection(&w, res, s)
	}
	writeMemory(&w, res)
	fmt.Fprintln(&w)
	return w.Bytes(), met, missed
}

// replace puts text between the marks of page.
func replace(page, text []byte) ([]byte, error) {
	before, rest, ok := bytes.Cut(page, []byte(beginMark))
	if !ok {
		return nil, fmt.Errorf("has no line %q", strings.TrimSpace(beginMark))
	}
	_, after, ok := bytes.Cut(rest, []byte(endMark))
	if !ok {
		return nil, fmt.Errorf("has no line %q", strings.TrimSpace(endMark))
	}
	return bytes.Join([][]byte{before, []byte(beginMark), text, []byte(endMark), after}, nil), nil
}
