//go:build !linux

package filestore

import "github.com/cloakroom/cloakroom/store"

// opener opens files without following symbolic links.
type opener struct{}

func (*opener) init() {}

// open opens the file at path, which ends with a zero byte.
func (*opener) open(path []byte, flags int) (int, error) {
	return openStepwise(string(path[:len(path)-1]), flags)
}

// Records are not kept in memory on these systems: localDevice says that no
// file system is known to be local.
func localDevice(string) uint64            { return 0 }
func stampAt([]byte) (stamp, error)        { return stamp{}, store.ErrUnsupported }
func stampOf(int) (stamp, error)           { return stamp{}, store.ErrUnsupported }
func setModified(int, int64, uint32) error { return store.ErrUnsupported }
