//go:build !race

package all

// raced: without the race detector, memory is what the code takes.
const raced = false
