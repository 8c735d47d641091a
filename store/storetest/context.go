package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func contextCases() []testCase {
	const rule = "a context that is done when the call begins is answered with an error that matches its cause, and nothing changes"
	var cases []testCase
	for _, m := range []struct {
		name string
		call func(p *probe, ctx context.Context, key string, r store.Record) error
	}{
		{"Load", ctxLoad}, {"Save", ctxSave}, {"Save that creates", ctxCreate},
		{"Save that deletes", ctxDrop}, {"Touch", ctxTouch}, {"Delete", ctxDelete},
	} {
		cases = append(cases,
			testCase{name: m.name + " cancelled", rule: rule, run: contextCase(cancelled, context.Canceled, m.call)},
			testCase{name: m.name + " too late", rule: rule, run: contextCase(tooLate, context.DeadlineExceeded, m.call)},
			testCase{name: m.name + " cancelled for a reason", rule: rule, run: contextCase(cancelledFor, errReason, m.call)})
	}
	return cases
}

func ctxLoad(p *probe, ctx context.Context, key string, r store.Record) error {
	_, err := p.Load(ctx, key)
	return err
}

func ctxSave(p *probe, ctx context.Context, key string, r store.Record) error {
	_, err := p.Save(ctx, key, r, record("changed data", p.far()))
	return err
}

func ctxCreate(p *probe, ctx context.Context, key string, r store.Record) error {
	_, err := p.Save(ctx, p.key("new"), store.Record{}, record("created data", p.far()))
	return err
}

func ctxDrop(p *probe, ctx context.Context, key string, r store.Record) error {
	_, err := p.Save(ctx, key, r, store.Record{})
	return err
}

func ctxTouch(p *probe, ctx context.Context, key string, r store.Record) error {
	return p.Touch(ctx, key, r, time.Time{})
}

func ctxDelete(p *probe, ctx context.Context, key string, r store.Record) error {
	return p.Delete(ctx, key)
}

func cancelled(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx, cancel
}

// errReason is why a caller gives up, as context.WithCancelCause takes it.
var errReason = errors.New("the reason why it was cancelled")

func cancelledFor(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	cancel(errReason)
	return ctx, func() {}
}

func tooLate(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, time.Now().Add(-time.Second))
}

// contextCase returns a case that makes call with a context that is done.
func contextCase(done func(context.Context) (context.Context, context.CancelFunc), want error,
	call func(p *probe, ctx context.Context, key string, r store.Record) error) func(p *probe) {
	return func(p *probe) {
		key, far := p.key("k"), p.far()
		r := p.create(key, "data", far)
		ctx, cancel := done(p.ctx)
		defer cancel()
		if err := call(p, ctx, key, r); !errors.Is(err, want) {
			p.Errorf("error = %v, want %v", err, want)
		}
		p.gone(p.key("new"))
		p.save(key, p.holds(key, "data", far), record("works again", far))
	}
}

// stallTime is how long a call may wait in the cases of a stalled server, and
// stallGrace how much later it may return.
const (
	stallTime  = 300 * time.Millisecond
	stallGrace = 5 * time.Second
)

func stallCases() []testCase {
	return []testCase{
		{name: "calls return soon after their context ended", run: stallEnds,
			rule: "a context that ends while the call runs makes it return soon, with an error that matches its cause"},
		{name: "store works again", run: stallOver,
			rule: "a store recovers by itself when its server answers again"},
	}
}

func stallEnds(p *probe) {
	key, far := p.key("k"), p.far()
	r := p.create(key, "data", far)
	defer p.o.Stall(p.T)()
	calls := map[string]func(*probe, context.Context, string, store.Record) error{
		"Load": ctxLoad, "Save": ctxSave, "Touch": ctxTouch, "Delete": ctxDelete,
	}
	if b, ok := p.inner.(store.BatchLoader); ok {
		calls["LoadAll"] = func(p *probe, ctx context.Context, key string, _ store.Record) error {
			_, err := b.LoadAll(ctx, []string{key, p.key("absent")})
			return err
		}
	}
	if b, ok := p.inner.(store.BatchSaver); ok {
		calls["SaveAll"] = func(p *probe, ctx context.Context, key string, r store.Record) error {
			_, err := b.SaveAll(ctx, []store.Change{{Key: key, Prev: r, Next: record("more", far)}, {Key: p.key("new"), Next: record("more", far)}})
			if errors.Is(err, store.ErrUnsupported) {
				return context.DeadlineExceeded // it need not wait for what it cannot do
			}
			return err
		}
	}
	for name, call := range calls {
		ctx, cancel := context.WithTimeout(p.ctx, stallTime)
		begin := time.Now()
		if err := call(p, ctx, key, r); !errors.Is(err, context.DeadlineExceeded) {
			p.Errorf("%s = %v, want %v", name, err, context.DeadlineExceeded)
		}
		cancel()
		if took := time.Since(begin); took > stallTime+stallGrace {
			p.Errorf("%s returned after %v, its context ended after %v", name, took, stallTime)
		}
	}
}

func stallOver(p *probe) {
	key, far := p.key("k"), p.far()
	p.create(key, "data", far)
	resume := p.o.Stall(p.T)
	ctx, cancel := context.WithTimeout(p.ctx, stallTime)
	defer cancel()
	if err := ctxLoad(p, ctx, key, store.Record{}); err == nil {
		p.Errorf("Load succeeded: Options.Stall does not stall")
	}
	resume()
	var err error
	for end := time.Now().Add(2 * stallGrace); time.Now().Before(end); time.Sleep(stallTime) {
		if _, err = p.Load(p.ctx, key); err == nil {
			break
		}
	}
	if err != nil {
		p.Fatalf("Load after the server was back = %v, want nil", err)
	}
	p.holds(key, "data", far)
	p.save(p.key("new"), store.Record{}, record("data", far))
}
