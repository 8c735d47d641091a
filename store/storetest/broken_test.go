package storetest

import (
	"slices"
	"time"
)

// A broken store breaks one rule, and the named cases must notice.
type broken struct {
	name  string
	twist func(*twist)
	fails []string
}

// pause lets everything else in the bubble go on first.
func pause() { time.Sleep(time.Nanosecond) }

// brokenStores are wrong in the ways in which stores have been wrong. Each
// case of the suite is failed by one of them at least.
func brokenStores() []broken {
	return slices.Concat(brokenData(), brokenExpiry(), brokenSave(), brokenTouch(), brokenDelete(),
		brokenKeys(), brokenContext(), brokenRaces(), brokenLoadAll(), brokenSaveAll(), brokenList(), brokenClean(), brokenPing(), brokenClose(), brokenStall())
}
