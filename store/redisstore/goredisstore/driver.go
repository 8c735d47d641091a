package goredisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/store/redisstore/internal/redisproto"
)

// driver runs commands by go-redis.
type driver struct{ client redis.UniversalClient }

// once is a command that go-redis does not send again when no answer comes.
type once struct{ *redis.Cmd }

// NoRetry implements redis.Cmder.
func (once) NoRetry() bool { return true }

// build returns a command, and what holds its answer.
func build(ctx context.Context, c redisproto.Command) (redis.Cmder, *redis.Cmd) {
	args := make([]any, 0, len(c.Words)+1+len(c.Args))
	for _, w := range c.Words {
		args = append(args, w)
	}
	if c.Key != "" {
		args = append(args, c.Key)
	}
	for _, a := range c.Args {
		args = append(args, a)
	}
	cmd := redis.NewCmd(ctx, args...)
	if c.Repeatable {
		return cmd, cmd
	}
	return once{cmd}, cmd
}

func (d *driver) Int(ctx context.Context, c redisproto.Command) (int64, error) {
	return redisproto.Await(ctx, func() (int64, error) {
		if c.Replicas > 0 {
			return d.replicated(ctx, c)
		}
		cmd, answer := build(ctx, c)
		d.process(ctx, c.Key, cmd)
		return number(answer)
	})
}

// isNil reports whether err is the server's answer that there is nothing. Not
// by errors.Is: Sentinels answer the same if they do not know the master, which
// is then the cause of an error, and no word about any session.
func isNil(err error) bool { return err == redis.Nil }

// number reads an answer as Int returns it.
func number(answer *redis.Cmd) (int64, error) {
	value, err := answer.Result()
	switch n, ok := value.(int64); {
	case isNil(err):
		return 0, nil
	case err != nil:
		return 0, err
	case ok:
		return n, nil
	}
	return 1, nil
}

func (d *driver) Find(ctx context.Context, c redisproto.Command) (redisproto.Found, error) {
	return redisproto.Await(ctx, func() (redisproto.Found, error) {
		cmd, answer := build(ctx, c)
		d.process(ctx, c.Key, cmd)
		return found(answer)
	})
}

func (d *driver) FindAll(ctx context.Context, cs []redisproto.Command) []redisproto.Answer {
	answers, err := redisproto.Await(ctx, func() ([]redisproto.Answer, error) {
		ring, isRing := d.client.(*redis.Ring)
		if isRing {
			if err := whole(ring); err != nil {
				return nil, err
			}
		}
		pipe := d.client.Pipeline()
		held := make([]*redis.Cmd, len(cs))
		for i, c := range cs {
			cmd, answer := build(ctx, c)
			pipe.Process(ctx, cmd)
			held[i] = answer
		}
		pipe.Exec(ctx) // each command has its own error
		if isRing {
			if err := whole(ring); err != nil {
				return nil, err
			}
		}
		answers := make([]redisproto.Answer, len(cs))
		for i, answer := range held {
			answers[i].Found, answers[i].Err = found(answer)
		}
		return answers, nil
	})
	if err != nil {
		answers = make([]redisproto.Answer, len(cs))
		for i := range answers {
			answers[i].Err = err
		}
	}
	return answers
}

// found reads the answer of the script that finds a record.
func found(answer *redis.Cmd) (redisproto.Found, error) {
	value, err := answer.Result()
	if isNil(err) {
		return redisproto.Found{}, nil
	}
	if err != nil {
		return redisproto.Found{}, err
	}
	if pair, ok := value.([]any); ok && len(pair) == 2 {
		data, isText := pair[0].(string)
		ttl, isNumber := pair[1].(int64)
		if isText && isNumber {
			return redisproto.Found{Exists: true, Data: []byte(data), TTL: ttl}, nil
		}
	}
	return redisproto.Found{}, fmt.Errorf("an answer of type %T instead of a pair", value)
}

func (d *driver) ServerError(err error) (string, bool) {
	e, ok := errors.AsType[redis.Error](err)
	if !ok || e == redis.Nil {
		return "", false
	}
	return e.Error(), true
}

// replicated is Int for a change that replicas must have, too. Both commands
// go in one write on one connection, as WAIT counts what was changed on its
// own connection alone. In a cluster that needs the node's own client, which
// follows no redirection.
func (d *driver) replicated(ctx context.Context, c redisproto.Command) (int64, error) {
	cluster, ok := d.client.(*redis.ClusterClient)
	if !ok {
		node, err := d.node(c.Key)
		if err != nil {
			return 0, err
		}
		return pair(ctx, node, c)
	}
	for range 3 {
		node, err := cluster.MasterForKey(ctx, c.Key)
		if err != nil {
			return 0, err
		}
		n, err := pair(ctx, node, c)
		if err == nil || !strings.HasPrefix(err.Error(), "MOVED ") {
			return n, err
		}
		// Nothing was changed. This brings the client up to date.
		if err := cluster.ForEachMaster(ctx, func(context.Context, *redis.Client) error { return nil }); err != nil {
			return 0, err
		}
	}
	return 0, errors.New("the cluster moves slots faster than the client learns of it")
}

func pair(ctx context.Context, client redis.UniversalClient, c redisproto.Command) (int64, error) {
	cmd, answer := build(ctx, c)
	pipe := client.Pipeline()
	pipe.Process(ctx, cmd)
	wait := redis.NewIntCmd(ctx, "WAIT", c.Replicas, redisproto.ReplicaTimeout.Milliseconds())
	pipe.Process(ctx, wait)
	pipe.Exec(ctx) // each command has its own error
	n, err := number(answer)
	if err != nil {
		return n, err
	}
	have, err := wait.Result()
	if err == nil && have < int64(c.Replicas) {
		err = redisproto.ErrReplicas
	}
	return n, err
}

// Masters tells the servers from the kind of the client.
func (d *driver) Masters(ctx context.Context) ([]redisproto.Scanner, error) {
	var each func(context.Context, func(context.Context, *redis.Client) error) error
	switch client := d.client.(type) {
	case *redis.ClusterClient:
		each = client.ForEachMaster
	case *redis.Ring:
		if err := whole(client); err != nil {
			return nil, err
		}
		each = client.ForEachShard
	default:
		return []redisproto.Scanner{scanner{client}}, nil
	}
	return redisproto.Await(ctx, func() ([]redisproto.Scanner, error) {
		var mu sync.Mutex // they are called at the same time
		var all []redisproto.Scanner
		err := each(ctx, func(_ context.Context, client *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, scanner{client})
			return nil
		})
		return all, err
	})
}

// scanner is one server.
type scanner struct{ client redis.UniversalClient }

func (s scanner) Scan(ctx context.Context, cursor uint64, match string, count int64) ([]string, uint64, error) {
	type page struct {
		keys []string
		next uint64
	}
	p, err := redisproto.Await(ctx, func() (page, error) {
		keys, next, err := s.client.Scan(ctx, cursor, match, count).Result()
		return page{keys, next}, err
	})
	return p.keys, p.next, err
}
