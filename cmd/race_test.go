//go:build race

package cmd_test

// manyLines are enough to see that a batch does not keep its lines: the race
// detector makes everything ten times slower.
const manyLines = 50_000
