// Command modules knows the modules of this repository: which are released, in
// which order, under which version, and what their zips hold. The scripts use it.
//
//	modules version       # the version that go.mod files name: the next release
//	modules list          # the folders of the released modules, each after what it requires
//	modules set VERSION   # lets go.mod files name another version, without sums
//	modules sums          # writes the sums of our own modules into go.sum files
//	modules stage DIR     # a file-system proxy in DIR/proxy, go.mod and go.sum files in DIR/mod
//
// All modules are released together, under one version, which stands nowhere
// but in the go.mod files.
//
// What is staged is the working tree: the files that git knows, and those that it
// would add. The zips are those that a release of that tree has, byte for
// byte as far as their sums go. DIR/mod/cmd/go.mod and go.sum, for example, are those of the module
// in the folder cmd with the sums of our own modules, for -modfile.
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "modules: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	verb, arg := "", ""
	switch len(args) {
	case 1:
		verb = args[0]
	case 2:
		verb, arg = args[0], args[1]
	}
	tree, err := load(".")
	if err != nil {
		return err
	}
	switch {
	case verb == "version" && arg == "":
		fmt.Println(tree.version)
		return nil
	case verb == "list" && arg == "":
		for _, m := range tree.modules {
			if m.released {
				fmt.Println(m.dir)
			}
		}
		return nil
	case verb == "set" && arg != "":
		return tree.set(arg)
	case verb == "sums" && arg == "":
		return tree.writeSums()
	case verb == "stage" && arg != "":
		return tree.stage(arg)
	}
	return errors.New("usage: modules version | list | set VERSION | sums | stage DIR, at the root of the repository")
}
