//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package cachelibstore

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/cloakroom/cloakroom/internal/flock"
)

// ownerOf is the user and the group that a file belongs to.
func ownerOf(fi fs.FileInfo) (uid, gid int) {
	st := fi.Sys().(*syscall.Stat_t)
	return int(st.Uid), int(st.Gid)
}

func adviceFor(err error) string {
	if errors.Is(err, flock.ErrNotFile) {
		return "Something stands in the session directory where a session belongs; remove it."
	}
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
		return "Run both programs as one user, or let both write: SESSION_FILE_MODE 0o660 on either side, and a directory of a common group (chmod 2770)."
	case syscall.EROFS:
		return "Mount the session directory's file system writable."
	case syscall.EMFILE, syscall.ENFILE:
		return "Raise the limit of open files (ulimit -n, LimitNOFILE=)."
	case syscall.ENOTDIR, syscall.ELOOP:
		return "Something in the session directory is not what it should be, perhaps a symbolic link; put it back."
	case syscall.EIO, syscall.ESTALE:
		return "Check the disk or the mount behind the session directory."
	}
	return ""
}
