package flock

import (
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

// Exchange swaps two files in one step, or answers [ErrNoSwap]. The paths are
// absolute and end with a zero byte, as system calls want them.
func Exchange(a, b []byte) error { return renameat2(a, b, renameExchange) }

// RenameNew renames a file unless there is one of the new name, or answers
// [ErrNoSwap]. The paths are as for [Exchange].
func RenameNew(from, to []byte) error { return renameat2(from, to, renameNoReplace) }

func renameat2(from, to []byte, flags uintptr) error {
	if sysRenameat2 == 0 {
		return ErrNoSwap
	}
	for {
		cwd := -100 // AT_FDCWD
		_, _, errno := syscall.Syscall6(sysRenameat2, uintptr(cwd), uintptr(unsafe.Pointer(&from[0])),
			uintptr(cwd), uintptr(unsafe.Pointer(&to[0])), flags, 0)
		switch errno {
		case 0:
			return nil
		case syscall.EINTR:
		case syscall.EINVAL, syscall.ENOSYS, syscall.EPERM, syscall.EOPNOTSUPP: // the file system, an old kernel, a sandbox
			return ErrNoSwap
		default:
			return errno
		}
	}
}
