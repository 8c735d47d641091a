package mongostore

import (
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m, &ferretDB) }
