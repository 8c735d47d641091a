// Command storetable writes the README's table of stores from what the runs of
// package storetest have reported (see storetest.ReportsVariable), so that it
// claims nothing that no run has shown.
//
//	storetable REPORTS README           # writes the table
//	storetable -check REPORTS README    # fails if it would write another one
//
// A run that has not reported is an error where CI=true. Elsewhere, where its
// server may not be installed, its row stays as it is.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cloakroom/cloakroom/store/storetest"
)

func main() {
	check := flag.Bool("check", false, "write nothing, fail if the table is out of date")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: storetable [-check] REPORTS README")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), flag.Arg(1), *check, os.Getenv("CI") == "true"); err != nil {
		fmt.Fprintf(os.Stderr, "storetable: %v\n", err)
		os.Exit(1)
	}
}

// run brings the table in the file readme up to date, or checks that it is.
func run(reports, readme string, check, all bool) error {
	found, err := read(reports)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	text, missing, err := rewrite(string(old), found)
	if err != nil {
		return err
	}
	for _, m := range missing {
		fmt.Fprintf(os.Stderr, "storetable: no report of %s: its row is not checked\n", m)
	}
	if len(missing) > 0 && all {
		return errors.New("runs have not reported, and CI must not leave them out")
	}
	if text == string(old) {
		return nil
	}
	if check {
		return fmt.Errorf("the table of stores in %s is not what the tests have reported: run make stores", readme)
	}
	return os.WriteFile(readme, []byte(text), 0o644)
}

// read returns the reports in a folder, by the last word of the store's package
// and the test, as "memstore.TestConformance/defaults".
func read(dir string) (map[string]storetest.Report, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	found := map[string]storetest.Report{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var r storetest.Report
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		found[filepath.Base(r.Store)+"."+r.Test] = r
	}
	return found, nil
}
