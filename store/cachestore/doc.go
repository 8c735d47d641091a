// Package cachestore is a near cache in front of another store.
package cachestore
