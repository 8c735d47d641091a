package filestore

import (
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/cloakroom/cloakroom/internal/flock"
)

// opener opens files without following a symbolic link anywhere in their path.
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
		if flags&syscall.O_CREAT != 0 {
			how.mode = fileMode
		}
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

// syncFD makes a file survive a power cut.
func syncFD(fd int) error {
	return flock.Again(func() error { return syscall.Fsync(fd) })
}

// syncDataFD is syncFD without the file's times.
func syncDataFD(fd int) error {
	return flock.Again(func() error { return syscall.Fdatasync(fd) })
}

// sysStatx is the number of statx(2), Linux 4.11. It is used instead of
// package syscall's because its answer has one layout on all architectures.
var sysStatx = map[string]uintptr{
	"386":     383,
	"amd64":   332,
	"arm":     397,
	"arm64":   291,
	"loong64": 291,
	"ppc64":   383,
	"ppc64le": 383,
	"riscv64": 291,
	"s390x":   379,
}[runtime.GOARCH]

// statxAnswer is struct statx of <linux/stat.h>.
type statxAnswer struct {
	mask                     uint32
	_                        [28]byte
	ino, size                uint64
	_                        [48]byte
	ctime, mtime             statxTime
	_                        [8]byte
	deviceMajor, deviceMinor uint32
	_                        [112]byte
}

type statxTime struct {
	sec  int64
	nsec uint32
	_    int32
}

var emptyPath = [1]byte{}

// stampAt is the stamp of the file at path, which ends with a zero byte. If a
// symbolic link stands there, it is the link's own.
func stampAt(path []byte) (stamp, error) {
	const symlinkNoFollow = 0x100
	return statx(atFDCWD, &path[0], symlinkNoFollow)
}

// stampOf is the stamp of the file fd.
func stampOf(fd int) (stamp, error) {
	const isEmptyPath = 0x1000
	return statx(fd, &emptyPath[0], isEmptyPath)
}

func statx(at int, path *byte, flags uintptr) (stamp, error) {
	const wanted = 0x40 | 0x80 | 0x100 | 0x200 // mtime, ctime, ino, size
	if sysStatx == 0 {
		return stamp{}, syscall.ENOSYS
	}
	var st statxAnswer
	for {
		_, _, errno := syscall.Syscall6(sysStatx, uintptr(at), uintptr(unsafe.Pointer(path)), flags,
			wanted, uintptr(unsafe.Pointer(&st)), 0)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			return stamp{}, errno
		case st.mask&wanted != wanted:
			return stamp{}, syscall.EOPNOTSUPP
		}
		return stamp{
			dev:   uint64(st.deviceMajor)<<32 | uint64(st.deviceMinor),
			ino:   st.ino,
			size:  int64(st.size),
			mtime: instant{st.mtime.sec, st.mtime.nsec},
			ctime: instant{st.ctime.sec, st.ctime.nsec},
		}, nil
	}
}

// setModified sets the modification time of the file fd, and no other.
func setModified(fd int, sec int64, nsec uint32) error {
	const omit = 1<<30 - 2
	times := [2]syscall.Timespec{{Nsec: omit}, syscall.NsecToTimespec(sec*1e9 + int64(nsec))}
	_, _, errno := syscall.Syscall6(syscall.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&times)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// localFileSystems are those whose files only this machine changes, and of
// which it therefore always knows the state, by the numbers that statfs gives
// them.
var localFileSystems = map[uint32]string{
	0xef53:     "ext2, ext3, ext4",
	0x58465342: "XFS",
	0x9123683e: "Btrfs",
	0xf2f52010: "F2FS",
	0x2fc12fc1: "ZFS",
	0xca451a4e: "bcachefs",
	0x01021994: "tmpfs",
	0x794c7630: "overlayfs", // containers
}

// localDevice is the device that dir is on if that is a local file system, or
// else 0.
func localDevice(dir string) uint64 {
	var st syscall.Statfs_t
	if flock.Again(func() error { return syscall.Statfs(dir, &st) }) != nil || localFileSystems[uint32(st.Type)] == "" {
		return 0
	}
	at, err := stampAt(append([]byte(dir), 0))
	if err != nil {
		return 0
	}
	return at.dev
}
