package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/cloakroom/cloakroom/seal"
)

const (
	keySize       = 32
	maxSecretFile = 64 << 10
)

// readOrMakeSecretFile returns the keys in a file. If there is no such file it
// makes one with a new key, and says so.
func readOrMakeSecretFile(name string) (keys [][]byte, made bool, err error) {
	keys, err = readSecretFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		key, err := makeSecretFile(name)
		return [][]byte{key}, true, err
	}
	return keys, false, err
}

// readSecretFile returns the keys in a file.
func readSecretFile(name string) ([][]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--secret-file: %w", err)
	}
	defer f.Close()
	if err := checkMode(f); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return nil, fmt.Errorf("--secret-file: %w", err)
	}
	if len(data) > maxSecretFile {
		return nil, fmt.Errorf("--secret-file: %s is too large for a list of keys", name)
	}
	keys, err := parseKeys(data)
	if err == nil {
		_, err = seal.New(keys...) // twins, and keys that are none
	}
	if err != nil {
		return nil, hint(fmt.Errorf("--secret-file: %s: %w", name, err),
			"each line is 32 random bytes in hex or base64, as from: openssl rand -base64 32")
	}
	return keys, nil
}

// checkMode refuses a file that others can read: what they know is no secret.
func checkMode(f *os.File) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return fmt.Errorf("--secret-file: %w", err)
	case info.IsDir():
		return hint(fmt.Errorf("--secret-file: %s is a directory", f.Name()), "name a file; it is made if it is missing")
	case runtime.GOOS == "windows": // has no such modes
	case info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0:
		return hint(fmt.Errorf("--secret-file: %s can be read or changed by other users (mode %04o)", f.Name(), info.Mode().Perm()),
			"chmod 600 %s", shellQuote(f.Name()))
	}
	return nil
}

// parseKeys reads one key a line. Empty lines and those that begin with # are
// left out. An error names the line, never what stands in it.
func parseKeys(data []byte) ([][]byte, error) {
	var keys [][]byte
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text := strings.TrimSpace(string(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		key, ok := parseKey(text)
		if !ok {
			return nil, fmt.Errorf("line %d is neither hex nor base64", number)
		}
		if len(key) < seal.MinKey {
			return nil, fmt.Errorf("line %d: the key has %d bytes, at least %d are needed", number, len(key), seal.MinKey)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("no key in it")
	}
	return keys, nil
}

// parseKey takes hex first: what is hex is base64 too, but a random key in
// base64 is not hex.
func parseKey(text string) ([]byte, bool) {
	if key, err := hex.DecodeString(text); err == nil {
		return key, true
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	key, err := base64.RawStdEncoding.DecodeString(text)
	return key, err == nil
}

// makeSecretFile writes a new key to a file that nobody else can read.
func makeSecretFile(name string) (key []byte, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("--secret-file: %w", err)
		}
	}()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	key = make([]byte, keySize)
	rand.Read(key)
	_, err = fmt.Fprintf(f, "# Keys of cloakroom's sessions, newest first. Keep them secret.\n%s\n", base64.StdEncoding.EncodeToString(key))
	return key, errors.Join(err, f.Sync())
}
