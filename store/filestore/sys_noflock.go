//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos)

package filestore

import (
	"io/fs"

	"github.com/cloakroom/cloakroom/store"
)

// New refuses to open a store on these systems, so that nothing below is
// ever called; it is here to let programs compile.
const directory = 0

func isDir(string) error                 { return store.ErrUnsupported }
func readFD(int, []byte) (int, error)    { return 0, store.ErrUnsupported }
func writeFD(int, []byte) error          { return store.ErrUnsupported }
func writeFDAt(int, []byte, int64) error { return store.ErrUnsupported }
func closeFD(int) error                  { return store.ErrUnsupported }
func setModeFD(int) error                { return store.ErrUnsupported }
func syncFD(int) error                   { return store.ErrUnsupported }
func syncDataFD(int) error               { return store.ErrUnsupported }
func rename(from, to []byte) error       { return store.ErrUnsupported }
func unlink([]byte) error                { return store.ErrUnsupported }
func sizeFD(int) (int64, error)          { return 0, store.ErrUnsupported }
func openPlain(string, int) (int, error) { return -1, store.ErrUnsupported }
func owner(fs.FileInfo) int              { return 0 }
func inode(fs.FileInfo) (_, _ uint64)    { return 0, 0 }
func adviceForErrno(error) string        { return "" }
