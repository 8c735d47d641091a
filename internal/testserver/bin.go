package testserver

import (
	"os"
	"path/filepath"
)

// built returns the path of a program that scripts/setup has put below the
// folder bin of the project, which is the one with go.work, above the working
// directory of every test. If it is not there, the program's bare name is
// returned, to be looked up in PATH.
func built(path string) string {
	dir, err := os.Getwd()
	for err == nil {
		if isFile(filepath.Join(dir, "go.work")) {
			if found := filepath.Join(dir, "bin", path); isFile(found) {
				return found
			}
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return filepath.Base(path)
}
