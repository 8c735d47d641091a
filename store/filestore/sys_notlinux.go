//go:build !linux

package filestore

import "os"

// opener opens record files without following symbolic links.
type opener struct{}

func (*opener) init() {}

// open opens the file at path, which ends with a zero byte.
func (*opener) open(path []byte, flags int) (int, error) {
	return openStepwise(string(path[:len(path)-1]), flags)
}

// syncData makes the content of f survive a power cut.
func syncData(f *os.File) error { return f.Sync() }
