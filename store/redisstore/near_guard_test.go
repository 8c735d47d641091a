package redisstore

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTheGuardRemembersLongEnough(t *testing.T) {
	const bound = 7 * time.Second
	for offset := range 4 * bound / time.Second {
		for quiet := range 2 {
			synctest.Test(t, func(t *testing.T) {
				n := newNear(nil, "", bound)
				time.Sleep(offset * time.Second)
				n.change("k")
				for age := time.Duration(0); age < bound; age += time.Second {
					if !n.changed("k") {
						t.Fatalf("changed at %v, forgotten %v later", offset*time.Second, age)
					}
					if n.changed("other") {
						t.Fatal("another key counts as changed")
					}
					time.Sleep(time.Second)
					if quiet == 0 {
						n.change("other still")
					}
				}
				time.Sleep(2 * bound)
				if n.changed("k") {
					t.Errorf("changed at %v, still remembered", offset*time.Second)
				}
			})
		}
	}
}
