//go:build !linux

package store

import "gatepass/pkg/fault"

// inMemory reports that no folder is known to be in memory on this system.
func inMemory(string) error {
	return fault.New(fault.Usage, "tokens cannot be kept in memory on this system").
		WithHint("--store keyring keeps them sealed")
}
