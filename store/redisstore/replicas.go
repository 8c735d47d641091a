package redisstore

import (
	"context"
	"errors"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/store/redisstore/internal/redisproto"
)

// replicated is Int for a change that replicas must have, too: both commands
// in one write, on a connection of their own, as WAIT holds up what comes
// after it, and counts what was changed on its own connection alone.
func (d *driver) replicated(ctx context.Context, c redisproto.Command) (int64, error) {
	client := d.client
	for range 3 {
		n, err := d.once(ctx, client, c)
		e, ok := rueidis.IsRedisErr(err)
		if !ok {
			return n, err
		}
		addr, moved := e.IsMoved()
		if !moved {
			return n, err
		}
		// Nothing was changed. A connection of one's own follows no redirection,
		// so go where this one leads to, and let a command that follows it make
		// the client learn.
		if err := d.client.Do(ctx, d.client.B().Exists().Key(c.Key).Build()).Error(); err != nil {
			return 0, err
		}
		if client, ok = d.client.Nodes()[addr]; !ok {
			client = d.client
		}
	}
	return 0, errors.New("the cluster moves slots faster than the client learns of it")
}

func (d *driver) once(ctx context.Context, client rueidis.Client, c redisproto.Command) (n int64, err error) {
	conn, release := client.Dedicate()
	defer release()
	wait := conn.B().Wait().Numreplicas(int64(c.Replicas)).Timeout(redisproto.ReplicaTimeout.Milliseconds()).Build()
	answers := conn.DoMulti(ctx, d.build(c), wait)
	if n, err = number(answers[0]); err != nil {
		return n, err
	}
	have, err := answers[1].AsInt64()
	if err == nil && have < int64(c.Replicas) {
		err = redisproto.ErrReplicas
	}
	return n, err
}
