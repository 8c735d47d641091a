package store

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
)

// Errors that callers branch on, with errors.Is.
var (
	// ErrNotFound says that no live record has the key. It matches
	// fs.ErrNotExist.
	ErrNotFound error = sentinel{"no such record", fs.ErrNotExist}

	// ErrConflict says that Save or SaveAll found another record than prev: it
	// was changed, deleted or created in the meantime.
	ErrConflict = errors.New("record changed in the meantime")

	// ErrTooLarge says that the store cannot hold a record of that size.
	ErrTooLarge = errors.New("record too large")

	// ErrUnsupported says that a store cannot do what was asked, at all or in
	// its present set-up. It is errors.ErrUnsupported.
	ErrUnsupported = errors.ErrUnsupported

	// ErrKey says that a key breaks the rule of CheckKey, or that two changes
	// of a SaveAll have the same one.
	ErrKey = errors.New("invalid store key")

	// ErrClosed says that the store was closed. It matches fs.ErrClosed.
	ErrClosed error = sentinel{"store is closed", fs.ErrClosed}
)

// sentinel is an error value that also matches an older one.
type sentinel struct {
	text string
	is   error
}

func (e sentinel) Error() string { return e.text }

func (e sentinel) Is(target error) bool { return target == e.is }

// MaxKey is the length of the longest key in bytes. It is Memcached's limit,
// the smallest among the servers.
const MaxKey = 250

// CheckKey refuses a key that some store could not keep apart from others or
// would have to escape: empty, longer than [MaxKey], or with a byte outside
// the printable ASCII characters, space excluded. Its error matches [ErrKey]
// and does not quote the key, which is a secret.
func CheckKey(key string) error {
	if key == "" {
		return fmt.Errorf("%w: empty", ErrKey)
	}
	if len(key) > MaxKey {
		return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrKey, len(key), MaxKey)
	}
	for i := range len(key) {
		if c := key[i]; c <= ' ' || c > '~' {
			return fmt.Errorf("%w: byte %d is not printable ASCII", ErrKey, i)
		}
	}
	return nil
}

// adviceError is err with a sentence for the operator.
type adviceError struct {
	err    error
	advice string
}

func (e *adviceError) Error() string  { return e.err.Error() }
func (e *adviceError) Unwrap() error  { return e.err }
func (e *adviceError) Advice() string { return e.advice }

// WithAdvice returns err with one sentence that tells the operator what to do
// about it, for [Advice] to find. The sentence promises nothing about the program:
// the error that passes by itself in one that runs may end one that starts. It
// returns nil if err is nil.
func WithAdvice(err error, advice string) error {
	if err == nil {
		return nil
	}
	return &adviceError{err, advice}
}

// Advice returns the sentence that the outermost [WithAdvice] in err's chain
// gave, or the empty string.
func Advice(err error) string {
	// An interface, since internal/storeurl has errors with advice, too.
	if a, ok := errors.AsType[interface {
		error
		Advice() string
	}](err); ok {
		return a.Advice()
	}
	return ""
}

// AdviseTooLarge is what to do about [ErrTooLarge] where nothing better is
// known.
const AdviseTooLarge = "Keep less in the session, or use a store that takes larger records."

// TooLarge returns an error that matches [ErrTooLarge], says by how much, and
// has [AdviseTooLarge] for the operator.
func TooLarge(size, limit int) error {
	return WithAdvice(fmt.Errorf("%w: %s bytes, the limit is %s",
		ErrTooLarge, strconv.Itoa(size), strconv.Itoa(limit)), AdviseTooLarge)
}
