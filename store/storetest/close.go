package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/cloakroom/cloakroom/store"
)

func pingCases() []testCase {
	return []testCase{
		{name: "answers", run: pingAnswers, needs: Pinger,
			rule: "Ping returns nil if the store can be reached and used"},
		{name: "cancelled", run: pingCancelled, needs: Pinger,
			rule: "a context that is done is answered with an error that matches its cause"},
		{name: "makes nothing", run: pingMakesNothing, needs: Pinger,
			rule: "Ping leaves no record behind, and leaves those alone that are there"},
	}
}

func closeCases() []testCase {
	return []testCase{
		{name: "twice", run: closeTwice, needs: Closer,
			rule: "closing a closed store is no error"},
		{name: "later calls", run: closeLater, needs: Closer,
			rule: "a closed store answers ErrClosed, which no caller takes for an absent record"},
		{name: "while calls run", run: closeBusy, needs: Closer,
			rule: "a store may be closed while it is used"},
	}
}

// ping calls Ping.
func (p *probe) ping(ctx context.Context) error {
	p.Helper()
	err := p.inner.(store.Pinger).Ping(ctx)
	p.supported(Pinger, err)
	return err
}

func pingAnswers(p *probe) {
	for range 2 {
		if err := p.ping(p.ctx); err != nil {
			p.Errorf("Ping = %v, want nil", err)
		}
	}
	// Those of several programs do not meet.
	race(racers, func(int) {
		for range 2 {
			if err := p.inner.(store.Pinger).Ping(p.ctx); err != nil {
				p.Errorf("Ping beside others = %v, want nil", err)
			}
		}
	})
}

func pingCancelled(p *probe) {
	ctx, cancel := cancelled(p.ctx)
	defer cancel()
	if err := p.ping(ctx); !errors.Is(err, context.Canceled) {
		p.Errorf("Ping = %v, want %v", err, context.Canceled)
	}
	if err := p.ping(p.ctx); err != nil {
		p.Errorf("Ping afterwards = %v, want nil", err)
	}
}

func pingMakesNothing(p *probe) {
	if err := p.ping(p.ctx); err != nil {
		p.Errorf("Ping = %v, want nil", err)
	}
	lister, ok := p.inner.(store.Lister)
	if !ok {
		return // then nobody can see one either
	}
	key, far := p.key("k"), p.far()
	p.create(key, "data", far)
	before := p.all(lister)
	for range 2 {
		if err := p.ping(p.ctx); err != nil {
			p.Errorf("Ping = %v, want nil", err)
		}
	}
	after := p.all(lister)
	for key := range after {
		if !before[key] {
			p.Errorf("Ping left the record %q behind", key)
		}
	}
	if !after[key] {
		p.Errorf("Ping removed the record %q", key)
	}
	p.holds(key, "data", far)
}

// all returns the keys of all records.
func (p *probe) all(lister store.Lister) map[string]bool {
	p.Helper()
	keys := map[string]bool{}
	for e, err := range lister.List(p.ctx, "") {
		p.supported(Lister, err)
		if err != nil {
			p.Fatalf("List = %v, want no error", err)
		}
		keys[e.Key] = true
	}
	return keys
}

func closeTwice(p *probe) {
	p.create(p.key("k"), "data", p.far())
	for i := range 3 {
		if err := p.inner.(io.Closer).Close(); err != nil {
			p.Errorf("Close number %d = %v, want nil", i+1, err)
		}
	}
}

func closeLater(p *probe) {
	key, far := p.key("k"), p.far()
	r := p.create(key, "data", far)
	if err := p.inner.(io.Closer).Close(); err != nil {
		p.Errorf("Close = %v, want nil", err)
	}
	for name, err := range p.everything(key, r) {
		if !errors.Is(err, store.ErrClosed) || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
			p.Errorf("%s after Close = %v, want ErrClosed", name, err)
		}
	}
}

// everything calls every method of the store and returns what they answer.
func (p *probe) everything(key string, r store.Record) map[string]error {
	answers := map[string]error{}
	_, answers["Load"] = p.Load(p.ctx, key)
	_, answers["Load of an absent record"] = p.Load(p.ctx, key+"absent")
	_, answers["Save"] = p.Save(p.ctx, key, r, record("more", p.far()))
	_, answers["Save that creates"] = p.Save(p.ctx, key+"new", store.Record{}, record("more", p.far()))
	_, answers["Save that deletes"] = p.Save(p.ctx, key, r, store.Record{})
	answers["Touch"] = p.Touch(p.ctx, key, r, p.far().AddDate(0, 0, 1))
	answers["Delete"] = p.Delete(p.ctx, key)
	if b, ok := p.inner.(store.BatchLoader); ok {
		_, answers["LoadAll"] = b.LoadAll(p.ctx, []string{key, key + "absent"})
	}
	if b, ok := p.inner.(store.BatchSaver); ok {
		_, answers["SaveAll"] = b.SaveAll(p.ctx, []store.Change{{Key: key, Prev: r, Next: record("more", p.far())}, {Key: key + "new", Next: record("more", p.far())}})
	}
	if l, ok := p.inner.(store.Lister); ok {
		for _, err := range l.List(p.ctx, "") {
			answers["List"] = err
		}
		if answers["List"] == nil {
			answers["List"] = errors.New("a walk without an error")
		}
	}
	if c, ok := p.inner.(store.Cleaner); ok {
		_, answers["DeleteExpired"] = c.DeleteExpired(p.ctx, 10)
	}
	if c, ok := p.inner.(store.Pinger); ok {
		answers["Ping"] = c.Ping(p.ctx)
	}
	for name, err := range answers {
		if errors.Is(err, store.ErrUnsupported) {
			delete(answers, name)
		}
	}
	return answers
}

func closeBusy(p *probe) {
	far := p.far()
	var closed atomic.Bool
	race(racers, func(i int) {
		if i == 0 {
			if err := p.inner.(io.Closer).Close(); err != nil {
				p.Errorf("Close = %v, want nil", err)
			}
			closed.Store(true)
			return
		}
		for n := 0; ; n++ {
			breathe()
			late := closed.Load()
			key := p.key(fmt.Sprintf("%d-%d", i, n))
			_, err := p.Save(p.ctx, key, store.Record{}, record("data", far))
			if err == nil && late {
				p.Errorf("Save after Close = nil, want ErrClosed")
			}
			if err != nil {
				if !errors.Is(err, store.ErrClosed) {
					p.Errorf("Save during Close = %v, want nil or ErrClosed", err)
				}
				return
			}
			if late {
				return
			}
		}
	})
}
