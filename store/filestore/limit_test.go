//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// run runs a child that tests for itself.
func run(t *testing.T, part string) {
	t.Helper()
	spawn(t, part, openToAll(t)).end(t)
}

func TestFileSizeLimit(t *testing.T) { run(t, "file size") }

// childFileSize is stopped by the system in the middle of a write.
func childFileSize(dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
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
	limit := syscall.Rlimit{Cur: 2048, Max: 1 << 30}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	for _, size := range []int{3000, 1 << 20} {
		_, err = s.Save(ctx, "k", old, store.Record{Data: make([]byte, size)})
		if err := wantErr(err, syscall.EFBIG); err != nil {
			return err
		}
	}
	// Repaired, in that this fits.
	return intactAfter(s, old)
}

// wantErr checks an error of a child.
func wantErr(got, want error) error {
	if !errors.Is(got, want) || store.Advice(got) == "" {
		return fmt.Errorf("error = %v (%s), want %v with advice", got, store.Advice(got), want)
	}
	return nil
}

// intactAfter checks that old is still there and can be saved.
func intactAfter(s *Store, old store.Record) error {
	ctx := context.Background()
	r, err := s.Load(ctx, "k")
	if err != nil || string(r.Data) != string(old.Data) || r.Token != old.Token {
		return fmt.Errorf("Load = %v, %v, want the old record", r, err)
	}
	if _, err := s.Save(ctx, "k", r, store.Record{Data: []byte("new")}); err != nil {
		return fmt.Errorf("Save after the repair: %w", err)
	}
	if r, err = s.Load(ctx, "k"); err != nil || string(r.Data) != "new" {
		return fmt.Errorf("Load after the repair = %v, %v", r, err)
	}
	tmp := filepath.Join(filepath.Dir(fileOf(s, "k")), tmpName)
	if _, err := os.Lstat(tmp); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is left: %v", tmpName, err)
	}
	return nil
}

func TestOpenFilesLimit(t *testing.T) { run(t, "open files") }

// childOpenFiles has no file descriptor left.
func childOpenFiles(dir string) error {
	s, err := New(dir, Options{SweepInterval: -1, Cache: -1}) // which needs none
	if err != nil {
		return err
	}
	defer s.Close()
	ctx := context.Background()
	old, err := s.Save(ctx, "k", store.Record{}, store.Record{Data: []byte("old")})
	if err != nil {
		return err
	}
	limit := syscall.Rlimit{Cur: 64, Max: 64}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	var taken []int
	for {
		fd, err := syscall.Open("/dev/null", syscall.O_RDONLY, 0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	_, loadErr := s.Load(ctx, "k")
	_, saveErr := s.Save(ctx, "k", old, old)
	_, createErr := s.Save(ctx, "other", store.Record{}, old)
	_, newErr := New(dir+"2", Options{})
	for _, err := range []error{loadErr, saveErr, createErr, newErr, s.Delete(ctx, "k"),
		s.Touch(ctx, "k", old, time.Time{}), s.Ping(ctx)} {
		if err := wantErr(err, syscall.EMFILE); err != nil {
			return err
		}
	}
	for _, fd := range taken {
		syscall.Close(fd)
	}
	return intactAfter(s, old)
}

func TestDeniedDirectories(t *testing.T) { run(t, "denied") }

// childDenied is not let into its own directories.
func childDenied(dir string) error {
	if err := dropRoot(); err != nil {
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
	leaf := filepath.Dir(fileOf(s, "k"))
	if err := os.Chmod(leaf, 0o500); err != nil {
		return err
	}
	_, saveErr := s.Save(ctx, "k", old, old)
	for _, err := range []error{saveErr, s.Delete(ctx, "k")} {
		if err := wantErr(err, fs.ErrPermission); err != nil {
			return err
		}
	}
	if err := errors.Join(os.Chmod(leaf, 0o700), os.Chmod(dir, 0)); err != nil {
		return err
	}
	_, loadErr := s.Load(ctx, "k")
	_, saveErr = s.Save(ctx, "k", old, old)
	_, newErr := New(dir, Options{})
	for _, err := range []error{loadErr, saveErr, newErr, s.Ping(ctx)} {
		if err := wantErr(err, fs.ErrPermission); err != nil {
			return err
		}
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		return err
	}
	if err := wantErr(s.Ping(ctx), fs.ErrPermission); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	return intactAfter(s, old)
}
