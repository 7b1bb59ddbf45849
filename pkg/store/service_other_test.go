//go:build unix && !linux

package store_test

import "gatepass/pkg/store"

func useSecretService(*store.Files) int { return 1 }
