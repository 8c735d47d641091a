package filestore

import (
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// opener opens record files without following a symbolic link anywhere in
// their path.
//
// openat2(2), Linux 5.6, does that in one system call. Package syscall does
// not know it, so its number stands here: it is the same on all of Go's
// architectures but MIPS.
type opener struct {
	openat2 atomic.Bool
}

const sysOpenat2 = 437

// openHow is struct open_how of <linux/openat2.h>.
type openHow struct {
	flags, mode, resolve uint64
}

const (
	resolveNoSymlinks = 0x04
	atFDCWD           = -100
)

func (o *opener) init() { o.openat2.Store(!strings.HasPrefix(runtime.GOARCH, "mips")) }

// open opens the file at path, which ends with a zero byte.
func (o *opener) open(path []byte, flags int) (int, error) {
	for o.openat2.Load() {
		how := openHow{flags: uint64(flags) | syscall.O_CLOEXEC | syscall.O_LARGEFILE, resolve: resolveNoSymlinks}
		at := atFDCWD
		fd, _, errno := syscall.Syscall6(sysOpenat2, uintptr(at), uintptr(unsafe.Pointer(&path[0])),
			uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
		switch errno {
		case 0:
			return int(fd), nil
		case syscall.EINTR:
		case syscall.ENOSYS, syscall.EPERM: // an old kernel, or a sandbox
			o.openat2.Store(false)
		default:
			return -1, errno
		}
	}
	return openStepwise(string(path[:len(path)-1]), flags)
}

// syncData makes the content of f survive a power cut, without its times.
func syncData(f *os.File) error {
	fd := int(f.Fd())
	return again(func() error { return syscall.Fdatasync(fd) })
}
