package sqlstore_test

import (
	"flag"
	"os"
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
)

// The servers that most tests share. What must outlive kill -9 starts its own,
// which does not skip waiting for the disk.
var (
	postgres = testserver.Shared{Server: testserver.Postgres("fsync=off")}
	mariadb  = testserver.Shared{Server: testserver.MariaDB("innodb-flush-log-at-trx-commit=0")}
)

func TestMain(m *testing.M) {
	if part := os.Getenv(childPart); part != "" {
		os.Exit(playPart(part))
	}
	// They wait most of the time, for records to expire.
	flag.Parse()
	if err := flag.Set("test.parallel", "40"); err != nil {
		panic(err)
	}
	testserver.Main(m, &postgres, &mariadb)
}
