package cloakroom

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/edge"
	"github.com/cloakroom/cloakroom/internal/engine"
	"github.com/cloakroom/cloakroom/store"
)

// normalize fills in the defaults and the native rules, and refuses
// contradictions.
func (o Options) normalize() (Options, error) {
	native := o.rules == nil // otherwise package flask has checked its configuration
	if err := o.normalizeTimes(); err != nil {
		return o, err
	}
	if err := o.normalizeCookie(native); err != nil {
		return o, err
	}
	if err := o.normalizeTransport(); err != nil {
		return o, err
	}
	if native && o.KeyPrefix == "" { // to Flask-Session that is a prefix like any other
		o.KeyPrefix = DefaultKeyPrefix
	}
	if users := engine.UsersPrefix(o.KeyPrefix); native && users != "" {
		return o, fmt.Errorf("Options.KeyPrefix: it ends in %s, by which users' records are told from sessions: choose another one", users)
	}
	if err := o.checkKeyPrefix(); err != nil {
		return o, err
	}
	if o.Codec == nil {
		o.Codec = codec.MsgPack
	}
	if !reflect.TypeOf(o.Codec).Comparable() {
		return o, fmt.Errorf("Options.Codec is a %T, whose values Go cannot compare: make it a pointer", o.Codec)
	}
	if o.MaxSize == 0 {
		o.MaxSize = DefaultMaxSize
	}
	if o.MaxSize < 0 || o.MaxSize > codec.MaxSize {
		return o, fmt.Errorf("Options.MaxSize is %d, it must lie between 1 and %d", o.MaxSize, codec.MaxSize)
	}
	if o.MaxPerUser == 0 {
		o.MaxPerUser = DefaultMaxPerUser
	}
	if o.MaxPerUser < 0 {
		return o, fmt.Errorf("a negative Options.MaxPerUser: %d", o.MaxPerUser)
	}
	if o.ErrorHandler == nil {
		o.ErrorHandler = edge.AnswerError
	}
	o.Describe = shortDescription(o.Describe)
	if native {
		o.rules = nativeRules(&o)
	}
	return o, nil
}

func (o *Options) checkKeyPrefix() error {
	if o.KeyPrefix == "" {
		return nil
	}
	if err := store.CheckKey(o.KeyPrefix); err != nil {
		return fmt.Errorf("Options.KeyPrefix: %w", err)
	}
	if most := store.MaxKey - engine.IDLength - len(engine.UserPrefix); len(o.KeyPrefix) > most {
		return fmt.Errorf("Options.KeyPrefix has %d bytes, at most %d are allowed", len(o.KeyPrefix), most)
	}
	return nil
}

func (o *Options) normalizeCookie(native bool) error {
	if o.Path == "" {
		o.Path = "/"
	}
	if o.SameSite == 0 || o.SameSite == http.SameSiteDefaultMode {
		o.SameSite = http.SameSiteLaxMode
	}
	if o.CookieName == "" {
		o.CookieName = o.defaultCookieName()
	}
	probe := http.Cookie{Name: o.CookieName, Value: "x", Path: o.Path, Domain: o.Domain}
	if err := probe.Valid(); err != nil {
		return fmt.Errorf("Options.CookieName, Domain or Path: %w", err)
	}
	if !native { // its attributes are not ours to judge
		return nil
	}
	return o.refuseContradictions()
}

func (o *Options) normalizeTransport() (err error) {
	if o.Transport == nil {
		return nil
	}
	names := make([]string, 0, len(o.Transport))
	for _, t := range o.Transport {
		names = append(names, string(t))
	}
	if o.transports, err = edge.NewTransports(names); err != nil {
		return fmt.Errorf("Options.Transport: %w", err)
	}
	return nil
}

func (o *Options) defaultCookieName() string {
	switch {
	case o.Insecure:
		return "session"
	case o.Domain != "" || o.Path != "/":
		return edge.SecurePrefix + "session"
	default:
		return edge.HostPrefix + "session"
	}
}

func (o *Options) refuseContradictions() error {
	host := hasPrefixFold(o.CookieName, edge.HostPrefix)
	switch {
	case len(o.CookieName) > 64:
		return fmt.Errorf("the name of the cookie has %d bytes, at most 64 are allowed", len(o.CookieName))
	case !strings.HasPrefix(o.Path, "/"):
		return fmt.Errorf("Options.Path %q does not begin with a slash", o.Path)
	case host && o.Domain != "":
		return fmt.Errorf("Options.Domain: browsers refuse a cookie named %s… with a Domain: choose another CookieName", edge.HostPrefix)
	case host && o.Path != "/":
		return fmt.Errorf("Options.Path: browsers refuse a cookie named %s… with a Path other than /: choose another CookieName", edge.HostPrefix)
	case o.Insecure && (host || hasPrefixFold(o.CookieName, edge.SecurePrefix)):
		return fmt.Errorf("Options.Insecure: browsers refuse a cookie named %s without Secure: choose another CookieName", o.CookieName)
	case o.SameSite < http.SameSiteLaxMode || o.SameSite > http.SameSiteNoneMode:
		return fmt.Errorf("unknown Options.SameSite %d", o.SameSite)
	case o.Insecure && o.SameSite == http.SameSiteNoneMode:
		return errors.New("with Options.Insecure browsers refuse SameSite=None without Secure")
	case o.Insecure && o.Partitioned:
		return errors.New("with Options.Insecure browsers refuse Partitioned without Secure")
	case o.Partitioned && o.SameSite != http.SameSiteNoneMode:
		return errors.New("partitioned cookies have no effect without Options.SameSite: http.SameSiteNoneMode")
	}
	return nil
}

// hasPrefixFold ignores case, as browsers do for the prefixes.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
