package testserver

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Password is what the databases of this package ask for.
const Password = "Zq7: xWv9kJ/@?"

// Postgres is a PostgreSQL server with the superuser and the database
// "postgres". Over TCP it wants [Password], on its socket nothing. It keeps
// what it has committed through a kill -9. Each setting is a line of its
// configuration, as "fsync=off".
func Postgres(settings ...string) Server {
	return Server{
		Program: "postgres",
		Folders: []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin"},
		Install: "apt-get install postgresql",
		User:    "nobody", // it refuses to run as root
		Prepare: func(p *Process) error {
			file := p.Path("password")
			if err := os.WriteFile(file, []byte(Password), 0o644); err != nil {
				return err
			}
			return p.Run("initdb", "-D", p.Path("data"), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
				"--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile="+file)
		},
		Args: func(p *Process) []string {
			args := []string{"-D", p.Path("data"), "-p", strconv.Itoa(p.Port), "-k", p.Dir,
				"-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=64MB", "-c", "max_connections=150"}
			for _, s := range settings {
				args = append(args, "-c", s)
			}
			return args
		},
		Ready: postgresReady,
		// SIGTERM would wait until all clients have gone.
		Signal: syscall.SIGINT,
	}
}

// PostgresURL is the URL of a database of a server made by [Postgres].
func PostgresURL(p *Process, database string) *url.URL {
	return &url.URL{Scheme: "postgres", User: url.UserPassword("postgres", Password), Host: p.Addr(),
		Path: "/" + database, RawQuery: "sslmode=disable"}
}

// PostgresSocketURL is PostgresURL through the server's unix socket.
func PostgresSocketURL(p *Process, database string) *url.URL {
	query := url.Values{"host": {p.Dir}, "port": {strconv.Itoa(p.Port)}}
	return &url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database, RawQuery: query.Encode()}
}

// postgresReady says hello and returns nil if the server then asks who is
// there. One that still starts, or recovers, answers with an error instead.
func postgresReady(ctx context.Context, p *Process) error {
	path := filepath.Join(p.Dir, ".s.PGSQL."+strconv.Itoa(p.Port))
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Second))
	const protocol = 3 << 16
	hello := binary.BigEndian.AppendUint32(make([]byte, 4), protocol)
	hello = append(hello, "user\x00postgres\x00database\x00postgres\x00\x00"...)
	binary.BigEndian.PutUint32(hello, uint32(len(hello)))
	if _, err := conn.Write(hello); err != nil {
		return err
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if answer[0] != 'R' {
		return fmt.Errorf("it answers %q", answer)
	}
	return nil
}
