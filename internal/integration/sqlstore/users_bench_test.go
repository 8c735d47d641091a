package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// BenchmarkUsers logs in as many users as there are iterations, each once, and
// reports what a user takes, his session and his record, and what it costs to list
// and to end his sessions. docs/users.md has it for a million:
//
//	go test -run NONE -bench Users -benchtime 1000000x ./internal/integration/sqlstore
func BenchmarkUsers(b *testing.B) {
	b.Run("memory", func(b *testing.B) {
		before := heap()
		records := memstore.New(memstore.Options{})
		defer records.Close()
		logIn(b, records)
		b.ReportMetric(float64(heap()-before)/float64(b.N), "B/user")
		askAfter(b, records)
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		table := tableName()
		u := with(testserver.PostgresURL(postgres.Get(b), "postgres"), "table="+table, "create_table=true")
		logIn(b, open(b, u))
		db, err := sql.Open("pgx", testserver.PostgresURL(postgres.Get(b), "postgres").String())
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		var size int64
		if err := db.QueryRowContext(b.Context(), "SELECT pg_total_relation_size($1::regclass)", `"`+table+`"`).Scan(&size); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(size)/float64(b.N), "B/user")
		askAfter(b, open(b, u))
	})
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func userName(i int64) string { return fmt.Sprint("user-", i) }

func logIn(b *testing.B, records store.Store) {
	m, err := cloakroom.New(records, cloakroom.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var users atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			ctx := context.Background()
			s, err := m.Open(ctx, "")
			if err == nil {
				s.Login(userName(users.Add(1)))
				_, err = m.Commit(ctx, s)
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
}

// askAfter reports the calls of operations on one user among them all.
func askAfter(b *testing.B, records store.Store) {
	counted := cloakroomtest.NewFaulty(records)
	m, err := cloakroom.New(counted, cloakroom.Options{})
	if err != nil {
		b.Fatal(err)
	}
	user := userName(1)
	for _, op := range []struct {
		name string
		do   func() error
	}{
		{"calls/Devices", func() error { _, err := m.Devices(b.Context(), user); return err }},
		{"calls/RevokeUser", func() error { return m.RevokeUser(b.Context(), user) }},
	} {
		counted.ForgetCalls()
		if err := op.do(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(counted.Calls())), strings.ReplaceAll(op.name, " ", ""))
	}
}
