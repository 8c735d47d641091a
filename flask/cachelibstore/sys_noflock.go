//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos)

package cachelibstore

import (
	"io/fs"
	"os"

	"github.com/cloakroom/cloakroom/store"
)

// New refuses to open a store on these systems, so that nothing below is
// ever called; it is here to let programs compile.
const (
	haveFlock = false
	noWait    = 0
	noFollow  = 0
)

func tryFlock(*os.File) (bool, error) { return false, store.ErrUnsupported }
func isLocked(*os.File) bool          { return false }
func dropFlock(*os.File)              {}
func isAt(*os.File, string) bool      { return false }
func deviceOf(fs.FileInfo) uint64     { return 0 }
func adviceFor(error) string          { return "" }
