package filestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

// stepwise does without openat2.
func (o *opener) stepwise() { o.openat2.Store(false) }

var errNoMount = errors.New("may not mount")

// TestFullDisk fills a small file system of its own. Where the system does not
// let the test mount one (a container, mostly), the failures that
// TestEveryFailingStepLosesNothing makes up have to do.
func TestFullDisk(t *testing.T) {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	}
	c, err := spawnIn(t, "full disk", t.TempDir(), attr)
	if err != nil {
		t.Logf("not tested on a real file system: %v", err)
		return
	}
	if c.line(t) == errNoMount.Error() {
		t.Log("not tested on a real file system: ", errNoMount)
		c.Wait()
		return
	}
	c.end(t)
}

func childFullDisk(dir string) error {
	// Private first, or the mount would show outside.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		fmt.Println(errNoMount)
		return err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,nr_inodes=40,mode=0700"); err != nil {
		fmt.Println(errNoMount)
		return err
	}
	fmt.Println("mounted")
	s, err := New(dir, Options{SweepInterval: -1})
	if err != nil {
		return err
	}
	defer s.Close()
	ctx := context.Background()
	old, err := s.Save(ctx, "k", store.Record{}, store.Record{Data: []byte("old")})
	if err != nil {
		return err
	}
	_, saveErr := s.Save(ctx, "k", old, store.Record{Data: make([]byte, 100_000)})
	if err := wantErr(saveErr, syscall.ENOSPC); err != nil {
		return fmt.Errorf("out of space: %w", err)
	}
	if _, err := s.Save(ctx, "k2", store.Record{}, store.Record{Data: make([]byte, 5000)}); err != nil {
		return fmt.Errorf("the failed save still takes space: %w", err)
	}
	for i := 0; ; i++ { // out of inodes
		f, err := os.Create(filepath.Join(dir, fmt.Sprint("x", i)))
		if err != nil {
			break
		}
		f.Close()
	}
	_, saveErr = s.Save(ctx, "k", old, old)
	for _, err := range []error{saveErr, s.Ping(ctx)} {
		if err := wantErr(err, syscall.ENOSPC); err != nil {
			return fmt.Errorf("out of inodes: %w", err)
		}
	}
	if err := s.Delete(ctx, "k2"); err != nil {
		return fmt.Errorf("Delete on a full disk: %w", err)
	}
	return intactAfter(s, old)
}
