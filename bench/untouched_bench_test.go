package bench

import "testing"

// BenchmarkUntouched is a request of a visitor who has a session, to a page
// that does not ask for it: a picture, a health check.
func BenchmarkUntouched(b *testing.B) { each(b, small, pageUntouched) }
