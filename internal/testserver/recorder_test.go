package testserver

import (
	"fmt"
	"runtime"
	"testing"
)

// recorder is a test that notes how it ended.
type recorder struct {
	testing.TB
	did, text string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatal(args ...any) { r.end("failed", args) }
func (r *recorder) Skip(args ...any)  { r.end("skipped", args) }

func (r *recorder) end(did string, args []any) {
	r.did, r.text = did, fmt.Sprint(args...)
	runtime.Goexit()
}
