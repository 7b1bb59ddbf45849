//go:build !linux

package lambdarun

func limitMemory(int, int) {}
