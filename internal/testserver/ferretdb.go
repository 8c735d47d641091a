package testserver

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// FerretDB returns a server that speaks MongoDB's protocol, with its data in
// SQLite. It asks for no password.
//
// One thing that every MongoDB does it does not: a command that changes a
// document reads it, decides, and writes it, while another one may come in
// between. So clients go through a [Gate].
func FerretDB() Server { return ferretDB() }

// FerretDBUser returns a server as [FerretDB] does, which knows one user and
// nobody else.
func FerretDBUser(name, password string) Server {
	return ferretDB("--test-enable-new-auth", "--setup-database=admin",
		"--setup-username="+name, "--setup-password="+password)
}

func ferretDB(more ...string) Server {
	return Server{
		Program: built("ferretdb"),
		Install: "scripts/setup",
		Prepare: func(p *Process) error { return os.Mkdir(p.Path("data"), 0o700) },
		Args: func(p *Process) []string {
			return append([]string{
				// A crash of the server alone loses nothing without syncing either.
				"--handler=sqlite", "--sqlite-url=file:" + p.Path("data") + "/?_pragma=synchronous(off)",
				"--state-dir=" + p.Dir, "--listen-addr=" + p.Addr(), "--debug-addr=-",
				"--telemetry=disable", "--log-level=error", "--no-log-uuid",
			}, more...)
		},
		Env:   []string{"GOGC=800"}, // it reads whole collections for most filters
		Ready: func(ctx context.Context, p *Process) error { return mongoPing(ctx, p.Addr()) },
	}
}

// mongoPing sends the command ping and waits for any answer.
func mongoPing(ctx context.Context, addr string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	// {ping: 1, $db: "admin"} as BSON, in a message of the kind OP_MSG.
	const doc = "\x1e\x00\x00\x00" + "\x10ping\x00\x01\x00\x00\x00" + "\x02$db\x00\x06\x00\x00\x00admin\x00" + "\x00"
	const opMsg = 2013
	msg := binary.LittleEndian.AppendUint32(nil, uint32(mongoHeader+5+len(doc)))
	msg = binary.LittleEndian.AppendUint32(msg, 1) // request
	msg = binary.LittleEndian.AppendUint32(msg, 0) // response to
	msg = binary.LittleEndian.AppendUint32(msg, opMsg)
	msg = append(msg, 0, 0, 0, 0, 0) // flags, kind of section
	if _, err := conn.Write(append(msg, doc...)); err != nil {
		return err
	}
	if _, err := readMongo(conn, nil); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}

const (
	mongoHeader = 16
	mongoMax    = 48_000_000 // maxMessageSizeBytes of every MongoDB
)

// readMongo reads a message of MongoDB's protocol, into b if it is large
// enough.
func readMongo(r io.Reader, b []byte) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n < mongoHeader || n > mongoMax {
		return nil, fmt.Errorf("testserver: a message of %d bytes", n)
	}
	b = append(b[:0], size[:]...)
	if cap(b) < int(n) {
		b = append(make([]byte, 0, n), b...)
	}
	b = b[:n]
	_, err := io.ReadFull(r, b[len(size):])
	return b, err
}
