package filestore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/cloakroom/cloakroom/store"
)

// The directories below the root: 256 shards, each with a lock and 16 leaves,
// in which the records are. A million records make 244 in a leaf.
const (
	shardCount = 256
	leafCount  = 16 * shardCount
	nameSize   = 2 * sha256.Size
)

// name is the name of a record's file: its key's SHA-256 in hex. A hash has no
// characters that a file system could read in another way (a slash, two dots,
// upper case), is of one length, and spreads evenly over the directories.
type name [nameSize]byte

func nameOf(key string) (n name) {
	var buf [store.MaxKey]byte
	sum := sha256.Sum256(append(buf[:0], key...))
	hex.Encode(n[:], sum[:])
	return n
}

// parseName reads a file's name, and answers false for files that are not
// records.
func parseName(s string) (n name, ok bool) {
	if len(s) != nameSize {
		return n, false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return n, false
		}
	}
	copy(n[:], s)
	return n, true
}

// leaf is the number of the directory that the record is in.
func (n *name) leaf() leaf {
	return leaf(unhex(n[0])<<8 | unhex(n[1])<<4 | unhex(n[2]))
}

func unhex(c byte) int {
	if c >= 'a' {
		return int(c-'a') + 10
	}
	return int(c - '0')
}

// leaf is the number of a directory of records: three hex digits.
type leaf uint16

func (l leaf) shard() int { return int(l >> 4) }

// shardName is the path of a shard's directory below the root.
func shardName(shard int) string { return fmt.Sprintf("%02x", shard) }

// path is the path of the leaf's directory below the root.
func (l leaf) path() string { return fmt.Sprintf("%02x/%x", l>>4, l&15) }

// appendPath appends the path of the record's file to dst, with the zero byte
// that system calls want.
func (s *Store) appendPath(dst []byte, n *name) []byte {
	dst = s.appendLeaf(dst, n)
	dst = append(dst, '/')
	dst = append(dst, n[:]...)
	return append(dst, 0)
}

// appendLeaf appends the path of the directory that the record is in.
func (s *Store) appendLeaf(dst []byte, n *name) []byte {
	dst = append(dst, s.dir...)
	return append(dst, '/', n[0], n[1], '/', n[2])
}

// text is a path without the zero byte at its end.
func text(path []byte) string { return string(path[:len(path)-1]) }
