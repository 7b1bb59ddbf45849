package crash_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gatepass/pkg/crash"
)

func TestCatch(t *testing.T) {
	if err := crash.Catch(func() {}); err != nil {
		t.Errorf("nothing happened, and %v came", err)
	}
	cause := errors.New("a cause")
	err := crash.Catch(func() { panic(cause) })
	var e *crash.Error
	if !errors.As(err, &e) || e.Value != any(cause) || !strings.Contains(string(e.Stack), "TestCatch") {
		t.Errorf("got %v", err)
	}
	var list []int
	if err := crash.Catch(func() { list[3]++ }); err == nil || !strings.Contains(err.Error(), "index out of range") {
		t.Errorf("got %v", err)
	}
}

// A goroutine tells of its panic like of every other error.
func ExampleCatch() {
	done := make(chan error, 1)
	go func() { done <- crash.Catch(func() { panic("no such page") }) }()
	fmt.Println(<-done)
	// Output: this is a mistake in the program: no such page
}
