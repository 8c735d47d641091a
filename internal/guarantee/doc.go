// Package guarantee holds the tests of what the README guarantees, at full
// size: many requests at once, random schedules, stories of visitors, stores
// that fail in every way and at every step, several processes. With -short
// they are smaller. The table in docs/architecture.md says which test guards
// which guarantee.
package guarantee
