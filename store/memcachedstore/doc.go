// Package memcachedstore keeps sessions in Memcached.
package memcachedstore
