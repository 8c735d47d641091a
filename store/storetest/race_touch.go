package storetest

import (
	"errors"
	"strconv"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func raceTouchSave(p *probe) {
	far := p.far()
	for round := range p.rounds(60) {
		key := p.key(strconv.Itoa(round))
		prev := p.create(key, "data", far)
		saveTo, touchTo := far.Add(time.Hour), far.Add(2*time.Hour)
		if round%2 == 1 {
			saveTo, touchTo = touchTo, saveTo
		}
		race(racers, func(i int) {
			if i > 0 {
				if err := p.Touch(p.ctx, key, prev, touchTo); err != nil {
					p.Errorf("Touch = %v, want nil", err)
				}
				return
			}
			if _, err := p.Save(p.ctx, key, prev, record("newer data", saveTo)); err != nil {
				p.Errorf("Save = %v, want nil: a touch is no change", err)
			}
		})
		r := p.load(key)
		if string(r.Data) != "newer data" {
			p.Errorf("data is %s, want what was saved", brief(string(r.Data)))
		}
		// If all touches came first, Save's own expiry stands.
		if !p.agree(r.Expires, saveTo) && (round%2 == 1 || !p.agree(r.Expires, touchTo)) {
			p.Errorf("expiry is %v, want that of Save, %v, or a later one of Touch, %v", r.Expires, saveTo, touchTo)
		}
		if p.Failed() {
			return
		}
	}
}

func raceTouchTouch(p *probe) {
	far := p.far()
	for round := range p.rounds(40) {
		key := p.key(strconv.Itoa(round))
		prev := p.create(key, "data", far)
		race(racers, func(i int) {
			if err := p.Touch(p.ctx, key, prev, far.Add(time.Duration(i)*time.Hour)); err != nil {
				p.Errorf("Touch = %v, want nil", err)
			}
		})
		p.holds(key, "data", far.Add((racers-1)*time.Hour))
	}
}

func raceTouchDelete(p *probe) {
	far := p.far()
	for round := range p.rounds(60) {
		key := p.key(strconv.Itoa(round))
		prev := p.create(key, "data", far)
		race(racers, func(i int) {
			if i > 0 {
				err := p.Touch(p.ctx, key, prev, far.Add(time.Duration(i)*time.Hour))
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					p.Errorf("Touch = %v, want nil or ErrNotFound", err)
				}
				return
			}
			if err := p.Delete(p.ctx, key); err != nil {
				p.Errorf("Delete = %v, want nil", err)
			}
			p.gone(key)
		})
		p.gone(key)
		if p.Failed() {
			return
		}
	}
}
