//go:build darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package filestore

import (
	"os"
	"syscall"
)

// syncFD makes a file survive a power cut. Package os knows how (macOS needs
// more than fsync), but would close fd sooner or later.
func syncFD(fd int) error {
	dup, err := syscall.Dup(fd)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(dup), "")
	defer f.Close()
	return f.Sync()
}

func syncDataFD(fd int) error { return syncFD(fd) }
