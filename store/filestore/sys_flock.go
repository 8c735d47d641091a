//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package filestore

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/cloakroom/cloakroom/internal/flock"
)

const directory = syscall.O_DIRECTORY

// isDir makes sure that a directory, not a symbolic link, stands at path.
func isDir(path string) error {
	var st syscall.Stat_t
	err := flock.Again(func() error { return syscall.Lstat(path, &st) })
	if err == nil && st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		err = syscall.ENOTDIR
	}
	return err
}

func readFD(fd int, b []byte) (n int, err error) {
	for {
		if n, err = syscall.Read(fd, b); err != syscall.EINTR {
			return n, err
		}
	}
}

// writeFD writes all of b.
func writeFD(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := syscall.Write(fd, b)
		if err != nil && err != syscall.EINTR {
			return err
		}
		b = b[max(n, 0):]
	}
	return nil
}

// writeFDAt is writeFD for a part of the file.
func writeFDAt(fd int, b []byte, offset int64) error {
	for len(b) > 0 {
		n, err := syscall.Pwrite(fd, b, offset)
		if err != nil && err != syscall.EINTR {
			return err
		}
		b, offset = b[max(n, 0):], offset+int64(max(n, 0))
	}
	return nil
}

func closeFD(fd int) error { return syscall.Close(fd) }

// setModeFD gives the new file fd its mode, whatever the umask.
func setModeFD(fd int) error {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil || uint32(st.Mode)&0o777 == fileMode {
		return err
	}
	return syscall.Fchmod(fd, fileMode)
}

// rename and unlink take paths that end with a zero byte.
func rename(from, to []byte) error { return syscall.Rename(text(from), text(to)) }
func unlink(path []byte) error     { return syscall.Unlink(text(path)) }

// sizeFD is the size of the regular file fd; other kinds have none.
func sizeFD(fd int) (int64, error) {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return 0, err
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return 0, damaged("not a regular file")
	}
	return st.Size, nil
}

// openPlain opens the file at path, which must not be a symbolic link.
func openPlain(path string, flags int) (fd int, err error) {
	for {
		fd, err = syscall.Open(path, flags|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, fileMode)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// owner is the user that a file belongs to.
func owner(fi fs.FileInfo) int { return int(fi.Sys().(*syscall.Stat_t).Uid) }

// inode tells files apart.
func inode(fi fs.FileInfo) (dev, ino uint64) {
	st := fi.Sys().(*syscall.Stat_t)
	return uint64(st.Dev), uint64(st.Ino)
}

func adviceForErrno(err error) string {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return ""
	}
	switch errno {
	case syscall.ENOSPC, syscall.EDQUOT:
		return "Free space, inodes or quota on the session directory's file system; stored sessions are intact."
	case syscall.EFBIG:
		return "Raise the program's file size limit (ulimit -f, LimitFSIZE=); stored sessions are intact."
	case syscall.EACCES, syscall.EPERM:
		return "Give the session directory and everything in it to the user who runs the program (chown -R), and make it writable (chmod -R u+rwX)."
	case syscall.EROFS:
		return "Mount the session directory's file system writable."
	case syscall.EMFILE, syscall.ENFILE:
		return "Raise the limit of open files (ulimit -n, LimitNOFILE=)."
	case syscall.ENOTDIR, syscall.ELOOP:
		return "Something in the session directory is not the directory it should be, perhaps a symbolic link; put the directory back."
	case syscall.EIO, syscall.ESTALE:
		return "Check the disk or the mount behind the session directory."
	}
	return ""
}
