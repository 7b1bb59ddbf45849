package lambdarun_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatepass/pkg/lambdarun"
)

// TestOrphans: a handler that hangs ends with the process that runs it, even when
// that one is killed and can do nothing about it.
func TestOrphans(t *testing.T) {
	const variable = "GATEPASS_TEST_HANGS"
	if file := os.Getenv(variable); file != "" {
		f, err := lambdarun.New(lambdarun.Options{
			Handler: file, LookPath: exec.LookPath, Getenv: os.Getenv, TempDir: t.TempDir(), Timeout: time.Minute, Log: func(line string) { fmt.Println(line) },
		})
		if err != nil {
			t.Fatal(err)
		}
		f.Invoke(context.Background(), []byte(`{}`))
		return
	}
	need(t, "node")
	file := code(t, "h.js", `exports.handler = () => { console.log('pid ' + process.pid); while (true); }`)
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestOrphans$")
	c.Env = append(os.Environ(), variable+"="+file)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	hung := 0
	for lines := bufio.NewScanner(out); hung == 0 && lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "pid "); ok {
			hung, _ = strconv.Atoi(text)
		}
	}
	_ = c.Process.Kill()
	_ = c.Wait() // it was killed
	if hung == 0 {
		t.Fatal("the handler did not start")
	}
	for end := time.Now().Add(20 * time.Second); !ended(hung); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			_ = syscall.Kill(hung, syscall.SIGKILL)
			t.Fatalf("the process %d is still there", hung)
		}
	}
}

// ended reports whether a process is gone, or only waits for its parent to look.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}
