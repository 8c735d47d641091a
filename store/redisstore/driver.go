package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/store/redisstore/internal/redisproto"
)

// driver runs commands by rueidis. It repeats a command only if it is marked
// as retryable, and redirections of a cluster, which were not carried out.
type driver struct{ client rueidis.Client }

func (d *driver) build(c redisproto.Command) rueidis.Completed {
	b := d.client.B().Arbitrary(c.Words...)
	if c.Key != "" {
		b = b.Keys(c.Key)
	}
	cmd := b.Args(c.Args...).Build()
	if c.Repeatable {
		// Not as read-only, because a client may send those to replicas, which
		// do not know yet what the master has acknowledged.
		cmd = cmd.ToRetryable()
	}
	for _, arg := range c.Args {
		if len(arg) >= pinFrom {
			// A server that finds the size too large says so while the rest is still
			// being written, and rueidis would give the command's memory to the next
			// one at that.
			return cmd.Pin()
		}
	}
	return cmd
}

// pinFrom is well below 1 MiB, the least that proto-max-bulk-len can be.
const pinFrom = 64 << 10

func (d *driver) Int(ctx context.Context, c redisproto.Command) (int64, error) {
	return redisproto.Await(ctx, func() (int64, error) {
		if c.Replicas > 0 {
			return d.replicated(ctx, c)
		}
		return number(d.client.Do(ctx, d.build(c)))
	})
}

// number reads an answer as Int returns it.
func number(r rueidis.RedisResult) (int64, error) {
	message, err := r.ToMessage()
	switch {
	case rueidis.IsRedisNil(err):
		return 0, nil
	case err != nil:
		return 0, err
	case message.IsInt64():
		return message.AsInt64()
	}
	return 1, nil
}

func (d *driver) Find(ctx context.Context, c redisproto.Command) (redisproto.Found, error) {
	return redisproto.Await(ctx, func() (redisproto.Found, error) { return found(d.client.Do(ctx, d.build(c))) })
}

func (d *driver) FindAll(ctx context.Context, cs []redisproto.Command) []redisproto.Answer {
	commands := make([]rueidis.Completed, len(cs))
	for i, c := range cs {
		commands[i] = d.build(c)
	}
	answers := make([]redisproto.Answer, len(cs))
	results, err := redisproto.Await(ctx, func() ([]rueidis.RedisResult, error) { return d.client.DoMulti(ctx, commands...), nil })
	for i := range answers {
		if answers[i].Err = err; err == nil {
			answers[i].Found, answers[i].Err = found(results[i])
		}
	}
	return answers
}

// found reads the answer of the script that finds a record.
func found(r rueidis.RedisResult) (redisproto.Found, error) {
	pair, err := r.ToArray()
	if rueidis.IsRedisNil(err) {
		return redisproto.Found{}, nil
	}
	if err == nil && len(pair) != 2 {
		err = fmt.Errorf("an answer of %d elements instead of 2", len(pair))
	}
	if err != nil {
		return redisproto.Found{}, err
	}
	data, err := pair[0].AsBytes()
	if err != nil {
		return redisproto.Found{}, err
	}
	ttl, err := pair[1].AsInt64()
	return redisproto.Found{Exists: true, Data: data, TTL: ttl}, err
}

func (d *driver) ServerError(err error) (string, bool) {
	e, ok := rueidis.IsRedisErr(err)
	if !ok {
		return "", false
	}
	return e.Error(), true
}

// Masters asks every node of a cluster what it is. A node that does not answer
// matters only if a master is missing then.
func (d *driver) Masters(ctx context.Context) ([]redisproto.Scanner, error) {
	return redisproto.Await(ctx, func() ([]redisproto.Scanner, error) { return d.masters(ctx) })
}

func (d *driver) masters(ctx context.Context) ([]redisproto.Scanner, error) {
	if d.client.Mode() != rueidis.ClientModeCluster {
		return []redisproto.Scanner{scanner{d.client}}, nil
	}
	var masters []redisproto.Scanner
	var silent error
	want := 1
	for _, node := range d.client.Nodes() {
		answers := node.DoMulti(ctx, node.B().Role().Build(), node.B().ClusterNodes().Build())
		role, err := answers[0].ToArray()
		if err != nil || len(role) == 0 {
			silent = errors.Join(silent, err)
			continue
		}
		if name, _ := role[0].ToString(); name == "master" {
			masters = append(masters, scanner{node})
		}
		nodes, err := answers[1].ToString()
		if err != nil {
			return nil, err
		}
		want = max(want, countMasters(nodes))
	}
	if len(masters) < want {
		if silent == nil {
			silent = errors.New("the client does not know all of them yet")
		}
		return nil, fmt.Errorf("%d of %d masters answer: %w", len(masters), want, silent)
	}
	return masters, nil
}

// countMasters returns how many nodes of the cluster have slots, by what one of
// them says.
func countMasters(nodes string) int {
	n := 0
	for line := range strings.Lines(nodes) {
		// id address flags master ping pong epoch link-state slot…
		if f := strings.Fields(line); len(f) > 8 && strings.Contains(f[2], "master") {
			n++
		}
	}
	return n
}

// scanner is one server.
type scanner struct{ client rueidis.Client }

func (s scanner) Scan(ctx context.Context, cursor uint64, match string, count int64) ([]string, uint64, error) {
	cmd := s.client.B().Arbitrary("SCAN", strconv.FormatUint(cursor, 10), "MATCH", match, "COUNT", strconv.FormatInt(count, 10)).
		Build().ToRetryable()
	entry, err := redisproto.Await(ctx, func() (rueidis.ScanEntry, error) { return s.client.Do(ctx, cmd).AsScanEntry() })
	return entry.Elements, entry.Cursor, err
}
