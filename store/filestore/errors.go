package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cloakroom/cloakroom/store"
)

// Advice that several errors share.
const (
	adviseMissing = "Bring the session directory back (mount its volume, or restore it)."
	adviseOther   = "Bring the session directory back (mount its volume, or restore it). If it was emptied or replaced on purpose, restart the programs that use it."
	adviseDamaged = "Look at the files that end in .damaged below the session directory: they show what became of the record; delete them when you are done. Many of them point to a failing disk."
	adviseVersion = "Another version of the program wrote to this session directory; run that version, or use another directory."
)

// fail is the error of a step of an operation. The paths that package os adds
// are dropped: they repeat the name of a record in every log.
func fail(op, step string, err error) error {
	advice := adviceFor(err)
	if cause := bare(err); errors.Is(cause, fs.ErrNotExist) {
		// Kept from matching fs.ErrNotExist, as which store.ErrNotFound is
		// known: that a directory is missing must not read as a session's end.
		err = fmt.Errorf("filestore: %s: %s: %v", op, step, cause)
	} else {
		err = fmt.Errorf("filestore: %s: %s: %w", op, step, cause)
	}
	if advice == "" {
		return err
	}
	return store.WithAdvice(err, advice)
}

// bare is err without the operation and path that package os put around it.
func bare(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	if le, ok := errors.AsType[*os.LinkError](err); ok {
		return le.Err
	}
	return err
}

// adviceFor tells the operator what to do about err, if anything.
func adviceFor(err error) string {
	switch {
	case errors.Is(err, ErrDamaged):
		return adviseDamaged
	case errors.Is(err, store.ErrUnsupported):
		return adviseVersion
	case errors.Is(err, errOther):
		return adviseOther
	case errors.Is(err, fs.ErrNotExist):
		return adviseMissing
	}
	return adviceForErrno(err)
}

// alive answers with an error if ctx is done.
func alive(ctx context.Context, op string) error {
	if ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("filestore: %s: %w", op, context.Cause(ctx))
}

func closedError(op string) error { return fmt.Errorf("filestore: %s: %w", op, store.ErrClosed) }

func notFound(op string) error { return fmt.Errorf("filestore: %s: %w", op, store.ErrNotFound) }

func conflict() error { return fmt.Errorf("filestore: save: %w", store.ErrConflict) }
