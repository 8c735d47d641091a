//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package flock

import "syscall"

// Supported says whether this system can lock files between processes.
const Supported = true

// Flags to open files with. NoWait keeps a named pipe that stands at a file's
// name from blocking whoever opens it; on files it means nothing. NoFollow
// refuses a symbolic link at the end of the path.
const (
	NoWait   = syscall.O_NONBLOCK
	NoFollow = syscall.O_NOFOLLOW
)

// Again calls f until no signal interrupts it.
func Again(f func() error) error {
	for {
		if err := f(); err != syscall.EINTR {
			return err
		}
	}
}

func try(fd int) (bool, error) {
	err := Again(func() error { return syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) })
	if err == syscall.EWOULDBLOCK {
		return false, nil
	}
	return err == nil, err
}

func tryShared(fd int) bool {
	err := Again(func() error { return syscall.Flock(fd, syscall.LOCK_SH|syscall.LOCK_NB) })
	return err != syscall.EWOULDBLOCK
}

func wait(fd int) error {
	return Again(func() error { return syscall.Flock(fd, syscall.LOCK_EX) })
}

func drop(fd int) {
	_ = Again(func() error { return syscall.Flock(fd, syscall.LOCK_UN) })
}

// identity tells files apart.
type identity struct{ dev, ino uint64 }

func identityOf(fd int) (identity, error) {
	var st syscall.Stat_t
	err := Again(func() error { return syscall.Fstat(fd, &st) })
	return identity{uint64(st.Dev), uint64(st.Ino)}, err
}

// identityAt is that of what stands at path, also if it is a symbolic link.
func identityAt(path string) (identity, error) {
	var st syscall.Stat_t
	err := Again(func() error { return syscall.Lstat(path, &st) })
	return identity{uint64(st.Dev), uint64(st.Ino)}, err
}
