package dynamostore

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
)

// Other processes are this test binary again, told by its environment which
// part to play with which store.
const (
	childPart = "DYNAMOSTORE_TEST_PART"
	childURL  = "DYNAMOSTORE_TEST_URL"
)

// parts are what a child can do. It has failed if it returns an error.
var parts = map[string]func(ctx context.Context, s *Store) error{
	"count": childCount,
	"save":  childSave,
}

func TestMain(m *testing.M) {
	// All that Open warns of here is what the stand-in lacks.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	part := os.Getenv(childPart)
	if part == "" {
		testserver.Main(m, &dynalite)
	}
	ctx := context.Background()
	s, err := openURL(ctx, os.Getenv(childURL))
	if err == nil {
		err = parts[part](ctx, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child is another process.
type child struct {
	*exec.Cmd
	out    *bufio.Scanner
	stderr bytes.Buffer
}

func spawn(t *testing.T, part, rawURL string) *child {
	t.Helper()
	c := &child{Cmd: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")}
	c.Env = append(os.Environ(), childPart+"="+part, childURL+"="+rawURL)
	c.Stderr = &c.stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewScanner(out)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// end waits for the child to succeed.
func (c *child) end(t *testing.T) {
	t.Helper()
	for c.out.Scan() {
	}
	if err := c.Wait(); err != nil {
		t.Errorf("the child failed: %v\n%s", err, c.stderr.Bytes())
	}
}
