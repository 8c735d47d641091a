package cachelibstore

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// sysRenameat2 is the number of renameat2(2), Linux 3.15, which package
// syscall does not know. On what is not listed there is no exchange.
var sysRenameat2 = map[string]uintptr{
	"386":     353,
	"amd64":   316,
	"arm":     382,
	"arm64":   276,
	"loong64": 276,
	"ppc64":   357,
	"ppc64le": 357,
	"riscv64": 276,
	"s390x":   347,
}[runtime.GOARCH]

// Flags of renameat2, of <linux/fs.h>.
const (
	renameNoReplace = 1
	renameExchange  = 2
)

// exchange swaps two files in one step.
func (s *Store) exchange(a, b string) error { return s.renameat2(a, b, renameExchange) }

// renameNew renames a file unless there is one of the new name.
func (s *Store) renameNew(from, to string) error { return s.renameat2(from, to, renameNoReplace) }

func (s *Store) renameat2(from, to string, flags uintptr) error {
	if sysRenameat2 == 0 || s.plainRename {
		return errNoSwap
	}
	a, err := syscall.BytePtrFromString(from)
	if err != nil {
		return err
	}
	b, err := syscall.BytePtrFromString(to)
	if err != nil {
		return err
	}
	err = again(func() error {
		cwd := -100 // AT_FDCWD; both paths are absolute
		_, _, errno := syscall.Syscall6(sysRenameat2, uintptr(cwd), uintptr(unsafe.Pointer(a)),
			uintptr(cwd), uintptr(unsafe.Pointer(b)), flags, 0)
		if errno != 0 {
			return errno
		}
		return nil
	})
	switch err {
	case nil:
		return nil
	case syscall.EINVAL, syscall.ENOSYS, syscall.EPERM, syscall.EOPNOTSUPP: // the file system, an old kernel, a sandbox
		return errNoSwap
	}
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
}
