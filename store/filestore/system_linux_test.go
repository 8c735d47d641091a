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
func TestFullDisk(t *testing.T) { runMounting(t, "full disk") }

// TestUnmountedDirectory takes a volume away, and brings it back. Where it may
// not mount, the directories that TestDirectoryThatIsNotWhatItWas swaps have to
// do.
func TestUnmountedDirectory(t *testing.T) { runMounting(t, "unmounted") }

// runMounting runs a child that may mount, if any may.
func runMounting(t *testing.T, part string) {
	t.Helper()
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	}
	c, err := spawnIn(t, part, t.TempDir(), attr)
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

// mountFirst mounts, and tells the test whether that may be done at all.
func mountFirst(source, target, kind string, flags uintptr, data string) error {
	// Private first, or the mount would show outside.
	err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if err == nil {
		err = syscall.Mount(source, target, kind, flags, data)
	}
	if err != nil {
		fmt.Println(errNoMount)
		return err
	}
	fmt.Println("mounted")
	return nil
}

func childFullDisk(dir string) error {
	if err := mountFirst("tmpfs", dir, "tmpfs", 0, "size=64k,nr_inodes=40,mode=0700"); err != nil {
		return err
	}
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

func childUnmounted(base string) error {
	// The volume is on the same file system as the mount point, where the
	// number of the device does not tell them apart.
	dir, volume := filepath.Join(base, "sessions"), filepath.Join(base, "volume")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Mkdir(volume, 0o700)); err != nil {
		return err
	}
	if err := mountFirst(volume, dir, "", syscall.MS_BIND, ""); err != nil {
		return err
	}
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
	for range 2 {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			return err
		}
		if err := closedDoor(ctx, s, old); err != nil {
			return fmt.Errorf("unmounted: %w", err)
		}
		if names, err := readNames(dir); len(names) > 0 || err != nil {
			return fmt.Errorf("below the mount point there is %q, %v", names, err)
		}
		if err := syscall.Mount(volume, dir, "", syscall.MS_BIND, ""); err != nil {
			return err
		}
		if _, err := s.Load(ctx, "absent"); !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("mounted again: Load = %v, want ErrNotFound", err)
		}
		if _, err := s.Save(ctx, "new", store.Record{}, old); err != nil {
			return fmt.Errorf("mounted again: %w", err)
		}
		if err := s.Delete(ctx, "new"); err != nil {
			return err
		}
	}
	return intactAfter(s, old)
}
