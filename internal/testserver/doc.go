// Package testserver starts the real servers that the stores are tested with.
package testserver
