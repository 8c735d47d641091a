package storetest

import (
	"bytes"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/cloakroom/cloakroom/store"
)

func raceVisible(p *probe) {
	key, far, last := p.key("counter"), p.far(), p.rounds(200)
	r := p.create(key, "0", far)
	var acknowledged atomic.Int64
	var done atomic.Bool
	race(racers, func(i int) {
		if i > 0 {
			for p.seen(key, acknowledged.Load()) && !done.Load() {
				breathe()
			}
			return
		}
		defer done.Store(true)
		for n := 1; n < last; n++ {
			next, err := p.Save(p.ctx, key, r, record(strconv.Itoa(n), far))
			if err != nil {
				p.Errorf("Save = %v, want nil", err)
				return
			}
			acknowledged.Store(int64(n))
			breathe()
			r = next
		}
	})
}

// seen checks that the counter of key has come as far as n.
func (p *probe) seen(key string, n int64) bool {
	r, err := p.Load(p.ctx, key)
	if err != nil {
		p.Errorf("Load = %v, want the record", err)
		return false
	}
	got, err := strconv.ParseInt(string(r.Data), 10, 64)
	if err != nil || got < n {
		p.Errorf("Load = %s, after %d was acknowledged", brief(string(r.Data)), n)
		return false
	}
	return true
}

// raceTorn saves data that consists of one byte value, in lengths that differ.
func raceTorn(p *probe) {
	key, far, last := p.key("k"), p.far(), p.rounds(80)
	whole := func(n int) []byte {
		return bytes.Repeat([]byte{byte('a' + n%26)}, min(100+n%7*5000, p.o.MaxRecord))
	}
	r := p.save(key, store.Record{}, store.Record{Data: whole(0), Expires: far})
	var done atomic.Bool
	race(4, func(i int) {
		if i == 0 {
			defer done.Store(true)
			for n := 1; n < last; n++ {
				next, err := p.Save(p.ctx, key, r, store.Record{Data: whole(n), Expires: far})
				if err != nil {
					p.Errorf("Save = %v, want nil", err)
					return
				}
				r = next
				breathe()
			}
			return
		}
		for !done.Load() && !p.Failed() {
			breathe()
			got, err := p.Load(p.ctx, key)
			if err != nil {
				p.Errorf("Load = %v, want the record", err)
				return
			}
			ok := len(got.Data) > 0
			for n := range 7 * 26 {
				if ok = bytes.Equal(got.Data, whole(n)); ok {
					break
				}
			}
			if !ok {
				p.Errorf("Load returned %d bytes that nobody saved, beginning with %s", len(got.Data), brief(string(got.Data)))
			}
		}
	})
}

func raceDistinct(p *probe) {
	far, each := p.far(), p.rounds(20)
	race(racers, func(i int) {
		for n := range each {
			key := p.key(fmt.Sprintf("%d-%d", i, n))
			r, err := p.Save(p.ctx, key, store.Record{}, record(key, far))
			if err == nil {
				_, err = p.Save(p.ctx, key, r, record(key+"!", far))
			}
			if err == nil && n%3 == 0 {
				err = p.Delete(p.ctx, key)
			}
			if err != nil {
				p.Errorf("Save or Delete of a record that nobody else uses = %v, want nil", err)
				return
			}
		}
	})
	for i := range racers {
		for n := range each {
			key := p.key(fmt.Sprintf("%d-%d", i, n))
			if n%3 == 0 {
				p.gone(key)
			} else {
				p.holds(key, key+"!", far)
			}
		}
	}
}
