//go:build !race

package cmd_test

// manyLines are enough to see that a batch does not keep its lines.
const manyLines = 1_000_000

// bombSize is what a bomb of this package's tests unpacks to, in MiB.
const bombSize = 512
