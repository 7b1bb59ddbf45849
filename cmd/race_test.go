//go:build race

package cmd_test

// manyLines are enough to see that a batch does not keep its lines: the race
// detector makes everything ten times slower.
const manyLines = 50_000

// bombSize is what a bomb of this package's tests unpacks to, in MiB.
const bombSize = 64
