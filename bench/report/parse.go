package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A cell is what was measured of one library at one work.
type cell struct {
	work, store, size, lib string
	metrics                map[string][]float64 // by unit; one value for each round
}

// median returns the median of a metric, and false if there is none.
func (c *cell) median(unit string) (float64, bool) {
	if c == nil || len(c.metrics[unit]) == 0 {
		return 0, false
	}
	return median(c.metrics[unit]), true
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Results are all cells, in the order in which they were measured.
type results struct {
	cells []*cell
	notes []string // the machine and the run
}

// parse reads the output of go test -bench of several rounds.
func parse(r io.Reader) (*results, error) {
	res := &results{}
	byName := map[string]*cell{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "Benchmark"):
			if err := res.add(byName, line); err != nil {
				return nil, fmt.Errorf("report: line %q: %w", line, err)
			}
		case strings.HasPrefix(line, "--- FAIL"), line == "FAIL":
			return nil, fmt.Errorf("report: a benchmark failed: %q", line)
		case strings.HasPrefix(line, "cpu:"), strings.HasPrefix(line, "# ") &&
			!strings.HasPrefix(line, "# round") && line != "# memory":
			if note := strings.TrimPrefix(line, "# "); !slices.Contains(res.notes, note) {
				res.notes = append(res.notes, note)
			}
		}
	}
	return res, lines.Err()
}

// add reads a line such as
//
//	BenchmarkRead/store=memory/size=100B/lib=scs-2  100  20900 ns/op  9752 B/op  221 allocs/op
func (res *results) add(byName map[string]*cell, line string) error {
	fields := strings.Fields(line)
	if len(fields) < 4 || len(fields)%2 != 0 {
		return fmt.Errorf("%d fields", len(fields))
	}
	name := fields[0]
	c := byName[name]
	if c == nil {
		var err error
		if c, err = newCell(name); err != nil {
			return err
		}
		byName[name] = c
		res.cells = append(res.cells, c)
	}
	for pair := range slices.Chunk(fields[2:], 2) {
		value, err := strconv.ParseFloat(pair[0], 64)
		if err != nil {
			return err
		}
		c.metrics[pair[1]] = append(c.metrics[pair[1]], value)
	}
	return nil
}

func newCell(name string) (*cell, error) {
	if i := strings.LastIndexByte(name, '-'); i >= 0 { // GOMAXPROCS; absent if it is 1
		if _, err := strconv.Atoi(name[i+1:]); err == nil {
			name = name[:i]
		}
	}
	parts := strings.Split(strings.TrimPrefix(name, "Benchmark"), "/")
	c := &cell{work: parts[0], metrics: map[string][]float64{}}
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "store":
			c.store = value
		case "size":
			c.size = value
		case "lib":
			c.lib = value
		default:
			return nil, fmt.Errorf("unknown part %q of the name", part)
		}
	}
	return c, nil
}

// find returns the cells of a work and store, all sizes if size is empty.
func (res *results) find(work, store, size string) []*cell {
	var found []*cell
	for _, c := range res.cells {
		if c.work == work && c.store == store && (size == "" || c.size == size) {
			found = append(found, c)
		}
	}
	return found
}
