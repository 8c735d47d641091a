package filestore

import (
	"context"
	"os"
)

// Ping implements [store.Pinger]: it writes a small file and removes it.
func (s *Store) Ping(ctx context.Context) error {
	const op = "ping"
	if err := s.enter(ctx, op); err != nil {
		return err
	}
	defer s.leave()
	if err := s.checkRoot(op); err != nil {
		return err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return fail(op, "open the directory", err)
	}
	defer root.Close()
	name := scratchName()
	if err := s.writeScratch(root, name, "ping\n"); err != nil {
		return fail(op, "write a file", err)
	}
	if err := root.Remove(name); err != nil {
		return fail(op, "remove a file", err)
	}
	return nil
}
