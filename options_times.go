package cloakroom

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/internal/engine"
)

// normalizeTimes fills in the defaults of durations. It refuses those that could
// not take effect, since another one ends the session first.
func (o *Options) normalizeTimes() error {
	given := o.IdleTimeout
	for _, d := range []struct {
		name    string
		value   *time.Duration
		zero    time.Duration
		noLimit bool
	}{
		{"IdleTimeout", &o.IdleTimeout, DefaultIdleTimeout, true},
		{"Lifetime", &o.Lifetime, DefaultLifetime, true},
		{"StoreTimeout", &o.StoreTimeout, DefaultStoreTimeout, false},
		{"WatchInterval", &o.WatchInterval, DefaultWatchInterval, false},
	} {
		switch {
		case *d.value == 0:
			*d.value = d.zero
		case *d.value == NoLimit && d.noLimit:
		case *d.value < 0:
			return fmt.Errorf("a negative Options.%s: %v", d.name, *d.value)
		case *d.value < time.Millisecond:
			return noUnit(d.name, *d.value)
		}
	}
	switch {
	case o.IdleTimeout == NoLimit && o.Lifetime == NoLimit:
		return errors.New("both Options.IdleTimeout and Options.Lifetime are NoLimit: a session must end some time")
	case !above(o.IdleTimeout, o.Lifetime):
	case given == 0:
		o.IdleTimeout = o.Lifetime
	default:
		return fmt.Errorf("%v as Options.IdleTimeout is above Lifetime, %v, which would end sessions first: set Options.Lifetime too", o.IdleTimeout, o.Lifetime)
	}
	if err := o.normalizeMaximums(); err != nil {
		return err
	}
	if err := o.checkAnonymousIdle(); err != nil {
		return err
	}
	if o.RenewEvery != 0 && o.RenewEvery < engine.LeastRenewEvery {
		return fmt.Errorf("%v as Options.RenewEvery, at least %v are needed", o.RenewEvery, engine.LeastRenewEvery)
	}
	if above(o.RenewEvery, o.MaxLifetime) {
		return fmt.Errorf("%v as Options.RenewEvery is above the lifetime of every session, %v: it would never come to that", o.RenewEvery, o.MaxLifetime)
	}
	return o.normalizeTouchInterval()
}

// noUnit is the error of a duration that looks like a number.
func noUnit(name string, d time.Duration) error {
	return fmt.Errorf("%v as Options.%s: is the unit missing, as in %d*time.Minute?", d, name, int64(d))
}

// above reports whether a limit is longer than another one that there is.
func above(d, limit time.Duration) bool { return limit != NoLimit && d > limit }

// normalizeMaximums is about the upper limits of what sessions may have of their
// own.
func (o *Options) normalizeMaximums() error {
	given := o.MaxIdleTimeout
	for _, l := range []struct {
		name  string
		most  *time.Duration
		usual time.Duration
	}{
		{"IdleTimeout", &o.MaxIdleTimeout, o.IdleTimeout},
		{"Lifetime", &o.MaxLifetime, o.Lifetime},
	} {
		switch most := *l.most; {
		case most == 0:
			*l.most = l.usual
		case most == NoLimit:
		case most < 0:
			return fmt.Errorf("a negative Options.Max%s: %v", l.name, most)
		case l.usual == NoLimit:
			return fmt.Errorf("Options.Max%s is %v, and %s is NoLimit: lower that one", l.name, most, l.name)
		case most < l.usual:
			return fmt.Errorf("%v as Options.Max%s is below %s, %v: lower that one", most, l.name, l.name, l.usual)
		}
	}
	switch {
	case o.MaxIdleTimeout == NoLimit && o.MaxLifetime == NoLimit:
		return errors.New("neither Options.MaxIdleTimeout nor Options.MaxLifetime bounds a session: " +
			"one of them must, and where one is zero it is what IdleTimeout or Lifetime is")
	case given != 0 && above(o.MaxIdleTimeout, o.MaxLifetime):
		return fmt.Errorf("%v as Options.MaxIdleTimeout is above MaxLifetime, %v, which would end sessions first: set Options.MaxLifetime too", o.MaxIdleTimeout, o.MaxLifetime)
	}
	return nil
}

func (o *Options) checkAnonymousIdle() error {
	switch {
	case o.AnonymousIdle < 0:
		return fmt.Errorf("a negative Options.AnonymousIdle: %v", o.AnonymousIdle)
	case o.AnonymousIdle > 0 && o.AnonymousIdle < time.Millisecond:
		return noUnit("AnonymousIdle", o.AnonymousIdle)
	case above(o.AnonymousIdle, o.IdleTimeout):
		return fmt.Errorf("%v as Options.AnonymousIdle is above IdleTimeout, %v: it is for sessions that end earlier", o.AnonymousIdle, o.IdleTimeout)
	case above(o.AnonymousIdle, o.Lifetime):
		return fmt.Errorf("%v as Options.AnonymousIdle is above Lifetime, %v, which would end sessions first", o.AnonymousIdle, o.Lifetime)
	}
	return nil
}

func (o *Options) normalizeTouchInterval() error {
	switch {
	case o.TouchInterval < 0:
		return fmt.Errorf("a negative Options.TouchInterval: %v", o.TouchInterval)
	case o.IdleTimeout != NoLimit && o.TouchInterval >= o.IdleTimeout:
		return fmt.Errorf("%v as Options.TouchInterval is not below IdleTimeout, %v: a session in use would end", o.TouchInterval, o.IdleTimeout)
	case above(o.TouchInterval, o.MaxLifetime):
		return fmt.Errorf("%v as Options.TouchInterval is above MaxLifetime, %v: no session would be touched", o.TouchInterval, o.MaxLifetime)
	case o.TouchInterval == 0 && o.IdleTimeout != NoLimit:
		o.TouchInterval = o.IdleTimeout / 10
	}
	return nil
}
