package goredisstore

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// errShard says that a Ring does without one of its servers.
var errShard = errors.New("a server of the Ring is down, and the Ring looks for its keys on the others")

// whole returns an error if a Ring does without one of its servers. When one
// does not answer it gives the server's keys to the others, where the sessions
// are not: their visitors would be strangers, and logouts would be undone once
// it is back.
func whole(ring *redis.Ring) error {
	if ring.Len() < len(ring.Options().Addrs) {
		return errShard
	}
	return nil
}

// node returns the client for the commands of one key: of a Ring that of the
// key's own server, since the Ring might take another one when it tries again.
func (d *driver) node(key string) (redis.UniversalClient, error) {
	ring, ok := d.client.(*redis.Ring)
	if !ok {
		return d.client, nil
	}
	// A server that goes stays away for longer than this takes, so that one of
	// the two looks notices.
	if err := whole(ring); err != nil {
		return nil, err
	}
	client, err := ring.GetShardClientForKey(key)
	if err != nil {
		return nil, err
	}
	return client, whole(ring)
}

// process sends a command to the server that has its key.
func (d *driver) process(ctx context.Context, key string, cmd redis.Cmder) {
	node, err := d.node(key)
	if err != nil {
		cmd.SetErr(err)
		return
	}
	node.Process(ctx, cmd)
}
