//go:build race

package all

// raced: the race detector takes memory of its own.
const raced = true
