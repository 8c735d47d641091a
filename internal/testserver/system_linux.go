package testserver

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// dieWithParent lets the kernel kill the server when the tests are killed.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }

// stopped reports whether all threads of pid and of its descendants have
// stopped: a signal is only on its way when the call that sends it returns.
func stopped(pid int) bool {
	for _, p := range append(descendants(pid), pid) {
		stats, _ := filepath.Glob("/proc/" + strconv.Itoa(p) + "/task/[0-9]*/stat")
		for _, path := range stats {
			text, err := os.ReadFile(path)
			if err != nil {
				continue // it has ended
			}
			if f := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]); len(f) > 0 && string(f[0]) != "T" && string(f[0]) != "Z" {
				return false
			}
		}
	}
	return true
}

// descendants returns the children of pid, theirs, and so on.
func descendants(pid int) []int {
	children := make(map[int][]int)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state parent …, where the name may hold anything.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if len(fields) > 1 {
			parent, _ := strconv.Atoi(string(fields[1]))
			children[parent] = append(children[parent], child)
		}
	}
	var all []int
	for next := children[pid]; len(next) > 0; next = next[1:] {
		all = append(all, next[0])
		next = append(next, children[next[0]]...)
	}
	return all
}
