package cmd

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// A process that may hold tokens cannot be dumped; one that it becomes can.
func TestNoCoreDumps(t *testing.T) {
	const variable = "GATEPASS_TEST_DUMPS"
	dumpable := func() int {
		n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	switch os.Getenv(variable) {
	case "become":
		if n := dumpable(); n != 1 {
			t.Errorf("dumpable is %d in the program that the process became", n)
		}
	case "start":
		app := system()
		if n := dumpable(); n != 0 {
			t.Errorf("dumpable is %d", n)
		}
		app.undo()
		t.Fatal(become(os.Args[0], os.Args, append(without(os.Environ(), variable), variable+"=become")))
	default:
		c := exec.Command(os.Args[0], "-test.run=^TestNoCoreDumps$", "-test.v")
		c.Env = append(os.Environ(), variable+"=start")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
