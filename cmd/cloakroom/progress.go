package main

import (
	"fmt"
	"io"
	"time"
)

// progress tells on long work how far it has come, every two seconds.
type progress struct {
	w    io.Writer
	last time.Time
}

const progressEvery = 2 * time.Second

func newProgress(w io.Writer) *progress { return &progress{w: w, last: time.Now()} }

func (p *progress) show(format string, args ...any) {
	if now := time.Now(); now.Sub(p.last) >= progressEvery {
		p.last = now
		fmt.Fprintf(p.w, format+" …\n", args...)
	}
}
