package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A target says how many times faster than the best peer a work has to be.
type target struct {
	work string
	size string // empty: every size that has no target of its own
	min  float64
}

var targets = []target{
	{"Untouched", "", 10},
	{"Read", "100KB", 40},
	{"Read", "100KB_in_1000_keys", 40},
	{"Read", "", 5},
	{"Write", "", 3},
}

func targetOf(work, size string) float64 {
	for _, t := range targets {
		if t.work == work && (t.size == "" || t.size == size) {
			return t.min
		}
	}
	return 0
}

// A contest is cloakroom against the best peer at one work, size and store.
type contest struct {
	ours, peer *cell
	ratio      float64 // how many times faster
}

// contests is the contest against the best peer. Where the work is to do
// nothing, it is one against each: the peers differ in how much nothing is.
func contests(cells []*cell) []contest {
	best, ok := contestOf(cells)
	switch {
	case !ok:
		return nil
	case best.ours.work != "Untouched":
		return []contest{best}
	}
	var all []contest
	for _, c := range cells {
		if !strings.HasPrefix(c.lib, "cloakroom") {
			all = append(all, contest{best.ours, c, ratio(best.ours, c)})
		}
	}
	return all
}

// contestOf finds both sides; ok is false if one is missing.
func contestOf(cells []*cell) (c contest, ok bool) {
	best := 0.0
	for _, candidate := range cells {
		ns, measured := candidate.median("ns/op")
		switch {
		case !measured:
		case strings.HasPrefix(candidate.lib, "cloakroom"):
			// No peer syncs its files: only the variant that does not is alike.
			if c.ours == nil || candidate.lib == "cloakroom-unsynced" {
				c.ours = candidate
			}
		case c.peer == nil || ns < best:
			c.peer, best = candidate, ns
		}
	}
	if c.ours == nil || c.peer == nil {
		return c, false
	}
	c.ratio = ratio(c.ours, c.peer)
	return c, true
}

// ratio is the median of the rounds' ratios: both sides of one round were
// measured within seconds, and a slow minute of the machine hits both.
func ratio(ours, peer *cell) float64 {
	a, b := ours.metrics["ns/op"], peer.metrics["ns/op"]
	ratios := make([]float64, 0, len(a))
	for i := range min(len(a), len(b)) {
		ratios = append(ratios, b[i]/a[i])
	}
	return median(ratios)
}

// writeTargets writes the table of what has been promised.
func writeTargets(w io.Writer, res *results) (met, missed int) {
	fmt.Fprintln(w, "| work | store | size | cloakroom | peer | times faster | target | |")
	fmt.Fprintln(w, "| --- | --- | --- | --: | --: | --: | --: | --- |")
	for _, work := range []string{"Untouched", "Read", "Write"} {
		for _, store := range stores {
			for _, size := range sizesOf(res.find(work, store, "")) {
				for _, c := range contests(res.find(work, store, size)) {
					if writeContest(w, c) {
						met++
					} else {
						missed++
					}
				}
			}
		}
	}
	return met, missed
}

// writeContest writes one row and says whether the target is met.
func writeContest(w io.Writer, c contest) bool {
	min := targetOf(c.ours.work, c.ours.size)
	met, verdict := c.ratio >= min, "met"
	if !met {
		verdict = "**missed**"
	}
	ours, _ := c.ours.median("ns/op")
	peer, _ := c.peer.median("ns/op")
	variant := strings.TrimPrefix(strings.TrimPrefix(c.ours.lib, "cloakroom"), "-")
	fmt.Fprintf(w, "| %s | %s | %s | %s | %s %s | %s | %s | %s |\n", strings.ToLower(c.ours.work), c.ours.store, label(c.ours.size),
		strings.TrimSpace(variant+" "+duration(ours)), c.peer.lib, duration(peer), times(c.ratio), times(min), verdict)
	return met
}

func sizesOf(cells []*cell) []string {
	var sizes []string
	for _, c := range cells {
		if !slices.Contains(sizes, c.size) {
			sizes = append(sizes, c.size)
		}
	}
	return sizes
}
