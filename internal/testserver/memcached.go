package testserver

import "strconv"

// Memcached returns a memcached with the defaults of its makers; args are
// added to its command line.
func Memcached(args ...string) Server {
	return Server{
		Program: "memcached",
		Install: "apt-get install memcached",
		User:    "nobody",
		Args: func(p *Process) []string {
			return append([]string{"-l", "127.0.0.1", "-p", strconv.Itoa(p.Port), "-U", "0"}, args...)
		},
	}
}
