package store

import (
	"syscall"

	"gatepass/pkg/fault"
)

// inMemory reports a folder that is not on a file system in memory. What is
// there is gone after a restart; it may get to disk only where the machine swaps.
func inMemory(dir string) error {
	const tmpfs, ramfs = 0x01021994, 0x858458f6 // linux/magic.h
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return fault.New(fault.Failed, "the folder %s cannot be looked at: %w", dir, err)
	}
	if kind := int64(fs.Type) & 0xffffffff; kind != tmpfs && kind != ramfs { //nolint:unconvert // its size differs between processors
		return fault.New(fault.Failed, "the folder %s is not in memory", dir).
			WithHint("set XDG_RUNTIME_DIR to a folder of yours on a tmpfs, or keep the tokens elsewhere: --store keyring")
	}
	return nil
}
