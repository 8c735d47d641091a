//go:build race

package guarantee_test

const raced = true
