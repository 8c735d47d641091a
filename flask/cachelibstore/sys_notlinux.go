//go:build !linux

package cachelibstore

// exchange would swap two files in one step.
func (s *Store) exchange(string, string) error { return errNoSwap }

// renameNew would rename a file unless there is one of the new name.
func (s *Store) renameNew(string, string) error { return errNoSwap }
