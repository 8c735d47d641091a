package cachelibstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cloakroom/cloakroom/store"
)

const (
	adviseMissing = "Bring the session directory back (mount its volume, or restore it)."
	adviseOther   = "Bring the session directory back (mount its volume, or restore it). If it was emptied or replaced on purpose, restart the program."
)

// fail is the error of a step of an operation. The paths that package os adds
// are dropped: they repeat the name of a record in every log.
func fail(op, step string, err error) error {
	cause := bare(err)
	if errors.Is(cause, store.ErrConflict) {
		return fmt.Errorf("cachelibstore: %s: %w", op, cause)
	}
	if errors.Is(cause, fs.ErrNotExist) {
		// Kept from matching fs.ErrNotExist, as which store.ErrNotFound is
		// known: that a directory is missing must not read as a session's end.
		return store.WithAdvice(fmt.Errorf("cachelibstore: %s: %s: %v", op, step, cause), adviseMissing)
	}
	err = fmt.Errorf("cachelibstore: %s: %s: %w", op, step, cause)
	if advice := adviceFor(cause); advice != "" {
		return store.WithAdvice(err, advice)
	}
	return err
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

// alive answers with an error if ctx is done.
func alive(ctx context.Context, op string) error {
	if ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("cachelibstore: %s: %w", op, context.Cause(ctx))
}

func closedError(op string) error { return fmt.Errorf("cachelibstore: %s: %w", op, store.ErrClosed) }

func notFound(op string) error { return fmt.Errorf("cachelibstore: %s: %w", op, store.ErrNotFound) }

func conflict() error { return fmt.Errorf("cachelibstore: save: %w", store.ErrConflict) }
