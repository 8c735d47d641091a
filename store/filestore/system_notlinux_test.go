//go:build !linux

package filestore

func (o *opener) stepwise() {}

func childFullDisk(string) error  { return nil }
func childUnmounted(string) error { return nil }
