package fault_test

import (
	"errors"
	"io"
	"testing"

	"gatepass/pkg/fault"
)

func TestKindsPromiseExitCodes(t *testing.T) {
	for kind, want := range map[fault.Kind]struct {
		code int
		name string
	}{
		0:                 {1, "failed"},
		fault.Failed:      {1, "failed"},
		fault.Usage:       {2, "usage"},
		fault.Denied:      {3, "denied"},
		fault.Login:       {4, "login"},
		fault.Invalid:     {5, "invalid"},
		fault.Network:     {6, "network"},
		fault.Status:      {8, "status"},
		fault.Interrupted: {130, "interrupted"},
	} {
		if kind.ExitCode() != want.code || kind.String() != want.name {
			t.Errorf("%d: exit %d %q, want %d %q", kind, kind.ExitCode(), kind, want.code, want.name)
		}
	}
}

func TestNewKeepsTheCause(t *testing.T) {
	err := fault.New(fault.Network, "reading %s: %w", "x", io.ErrUnexpectedEOF).WithHint("try %d times", 2)
	if !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "reading x: unexpected EOF" || err.Hint != "try 2 times" {
		t.Errorf("%#v", err)
	}
	if q := fault.Quiet(fault.Denied); q.Msg != "" || q.Kind != fault.Denied {
		t.Errorf("%#v", q)
	}
}
