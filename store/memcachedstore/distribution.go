package memcachedstore

import (
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// A Distribution is a way to spread keys over several servers. Programs that
// share records must use the same one, and the same list: the same names for
// the servers, and for PythonMemcached and Pylibmc the same order.
//
// The Python clients look for another server when one is down, unless they are
// told not to; this store never does.
type Distribution string

const (
	// Ketama is consistent hashing by MD5, which most clients know by this
	// name: a server that is added to n others takes over a part of 1/(n+1) of
	// the keys. pylibmc does it with behaviors={"ketama_weighted": True}; its
	// "ketama" is another one.
	Ketama Distribution = "ketama"

	// Pymemcache is what pymemcache's HashClient does: rendezvous hashing, which
	// moves as few keys as Ketama does.
	Pymemcache Distribution = "pymemcache"

	// PythonMemcached is what python-memcached does: it divides a checksum by
	// the number of servers. A new server moves nearly all keys.
	PythonMemcached Distribution = "python-memcached"

	// Pylibmc is what pylibmc, libmemcached, does unless it is told otherwise.
	// A new server moves nearly all keys.
	Pylibmc Distribution = "pylibmc"
)

// over returns a function that says which of the servers has a key. The names
// are those that the other clients give them: host:port or path.
func (d Distribution) over(names []string) (func(key string) int, error) {
	n := uint32(len(names))
	switch d {
	case "", Ketama:
		return ketama(names), nil
	case Pymemcache:
		return rendezvous(names), nil
	case PythonMemcached:
		return func(key string) int {
			h := crc32.ChecksumIEEE([]byte(key)) >> 16 & 0x7fff
			return int(max(h, 1) % n)
		}, nil
	case Pylibmc:
		return func(key string) int { return int(oneAtATime(key) % n) }, nil
	}
	return nil, fmt.Errorf("unknown distribution %q; known are %s, %s, %s, %s",
		string(d), Ketama, Pymemcache, PythonMemcached, Pylibmc)
}

// ketamaSums is how many checksums of its name, of four points each, place a
// server on the circle.
const ketamaSums = 40

// ketama puts each server at some points of a circle; a key belongs to the
// next point.
func ketama(names []string) func(key string) int {
	type point struct {
		at     uint32
		server int
	}
	var circle []point
	for i, name := range names {
		if strings.HasPrefix(name, "/") {
			name += ":0" // libmemcached gives a socket this port
		}
		name = strings.TrimSuffix(name, ":"+defaultPort)
		for n := range ketamaSums {
			sum := md5.Sum([]byte(name + "-" + strconv.Itoa(n)))
			for p := range slices.Chunk(sum[:], 4) {
				circle = append(circle, point{binary.LittleEndian.Uint32(p), i})
			}
		}
	}
	slices.SortStableFunc(circle, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	return func(key string) int {
		sum := md5.Sum([]byte(key))
		i, _ := slices.BinarySearchFunc(circle, binary.LittleEndian.Uint32(sum[:]),
			func(p point, h uint32) int { return cmp.Compare(p.at, h) })
		return circle[i%len(circle)].server
	}
}

// rendezvous gives a key to the server with the highest score for it.
func rendezvous(names []string) func(key string) int {
	return func(key string) int {
		best, high := 0, uint32(0)
		for i, name := range names {
			score := murmur3(name + "-" + key)
			if i == 0 || score > high || score == high && name > names[best] {
				best, high = i, score
			}
		}
		return best
	}
}

// murmur3 is MurmurHash3 for x86 of 32 bits with the seed 0.
func murmur3(s string) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	mix := func(k uint32) uint32 { return bits.RotateLeft32(k*c1, 15) * c2 }
	var h uint32
	rest := []byte(s)
	for ; len(rest) >= 4; rest = rest[4:] {
		h = bits.RotateLeft32(h^mix(binary.LittleEndian.Uint32(rest)), 13)*5 + 0xe6546b64
	}
	var tail [4]byte
	copy(tail[:], rest)
	h ^= mix(binary.LittleEndian.Uint32(tail[:]))
	h ^= uint32(len(s))
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

// oneAtATime is Bob Jenkins's hash of that name.
func oneAtATime(s string) uint32 {
	var h uint32
	for i := range len(s) {
		h += uint32(s[i])
		h += h << 10
		h ^= h >> 6
	}
	h += h << 3
	h ^= h >> 11
	return h + h<<15
}
