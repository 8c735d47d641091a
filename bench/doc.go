// Package bench runs cloakroom beside other session libraries, in one process
// and on the same work: one file for each library, one for each workload.
//
//	./run                # the whole comparison, some minutes: results.txt and RESULTS.md
//	go test ./...        # only whether every library does the work it is timed for
//	go test -run '^$' -bench Read/store=memory
//
// RESULTS.md has the figures, the method and what they do not show.
package bench
