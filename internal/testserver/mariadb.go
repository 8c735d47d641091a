package testserver

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// MariaDB is a MariaDB server with the empty database "cloakroom". Its user
// "cloakroom" has all rights; the password is [Password]. What the server has
// committed survives a kill -9. Each setting is an option of the server, such
// as "read-only=1".
func MariaDB(settings ...string) Server {
	return Server{
		Program: "mariadbd",
		Folders: []string{"/usr/sbin", "/usr/libexec", "/opt/homebrew/opt/mariadb/bin"},
		Install: "apt-get install mariadb-server",
		User:    "nobody", // it refuses to run as root
		Prepare: func(p *Process) error {
			// Run at each start, before it answers anybody.
			init := strings.ReplaceAll(`CREATE DATABASE IF NOT EXISTS cloakroom;
CREATE USER IF NOT EXISTS cloakroom@'%' IDENTIFIED BY 'PASSWORD';
GRANT ALL PRIVILEGES ON *.* TO cloakroom@'%' WITH GRANT OPTION;
`, "PASSWORD", Password)
			if err := os.WriteFile(p.Path("init.sql"), []byte(init), 0o644); err != nil {
				return err
			}
			return p.Run("mariadb-install-db", "--no-defaults", "--datadir="+p.Path("data"),
				"--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=16M")
		},
		Args: func(p *Process) []string {
			args := []string{"--no-defaults", "--datadir=" + p.Path("data"), "--socket=" + MariaDBSocket(p),
				"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(p.Port), "--init-file=" + p.Path("init.sql"),
				"--innodb-log-file-size=16M", "--innodb-buffer-pool-size=64M", "--skip-name-resolve"}
			for _, s := range settings {
				args = append(args, "--"+s)
			}
			return args
		},
		Ready: mariadbReady,
	}
}

// MariaDBURL is the URL of a database of a server made by [MariaDB].
func MariaDBURL(p *Process, database string) *url.URL {
	return &url.URL{Scheme: "mariadb", User: url.UserPassword("cloakroom", Password), Host: p.Addr(), Path: "/" + database}
}

// MariaDBSocket is the path of the server's unix socket.
func MariaDBSocket(p *Process) string { return p.Path("mariadb.sock") }

// mariadbReady returns nil if the server says hello.
func mariadbReady(ctx context.Context, p *Process) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.Addr())
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Second))
	hello := make([]byte, 5) // a packet's header, and the version of the protocol
	if _, err := io.ReadFull(conn, hello); err != nil {
		return err
	}
	if hello[4] != 10 {
		return fmt.Errorf("it answers with byte %d", hello[4])
	}
	return nil
}
