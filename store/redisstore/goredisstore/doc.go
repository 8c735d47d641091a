// Package goredisstore keeps sessions in Redis through a client of go-redis.
package goredisstore
