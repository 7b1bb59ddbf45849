// Package crash makes errors of panics. What a panic says may have a secret in it,
// and Go prints that of a goroutine which nobody waits for to standard error as it
// is. A goroutine that can meet a secret runs under [Catch], so that its mistake
// goes where every error goes, and is written without secrets.
package crash

import (
	"fmt"
	"runtime/debug"
)

// Error is a panic that was caught: a mistake in the program.
type Error struct {
	// Value is what the panic was called with.
	Value any
	// Stack is where, as Go prints it: functions, addresses and lines.
	Stack []byte
}

// Error says what the panic said. It may have a secret in it.
func (e *Error) Error() string { return fmt.Sprintf("this is a mistake in the program: %v", e.Value) }

// Catch calls f, and returns its panic as an *Error, or nil. What ends a goroutine
// in other ways, and what ends the process, is not caught.
func Catch(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Value: p, Stack: debug.Stack()}
		}
	}()
	f()
	return nil
}
