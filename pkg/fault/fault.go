// Package fault has the one kind of error that reaches a user: a line that says
// what is wrong, a hint that says what to do next, and the exit code that
// scripts may rely on.
package fault

import (
	"errors"
	"fmt"
)

// Kind is what the user can do about an error, and at the same time the exit
// code of the process. The zero Kind is Failed.
type Kind int

// The kinds, by the exit code they promise.
const (
	Failed      Kind = 1   // failed for a reason that is none of the others
	Usage       Kind = 2   // the command line or a file is wrong
	Denied      Kind = 3   // the answer is no, which is a result
	Login       Kind = 4   // no usable token and nobody to ask
	Invalid     Kind = 5   // the token is not valid
	Network     Kind = 6   // network, TLS or time limit
	Status      Kind = 8   // the API answered with a status of 400 or above
	Interrupted Kind = 130 // the user stopped it
)

// String is the name of the kind in JSON errors.
func (k Kind) String() string {
	switch k {
	case Usage:
		return "usage"
	case Denied:
		return "denied"
	case Login:
		return "login"
	case Invalid:
		return "invalid"
	case Network:
		return "network"
	case Status:
		return "status"
	case Interrupted:
		return "interrupted"
	}
	return "failed"
}

// ExitCode is the exit code the kind promises.
func (k Kind) ExitCode() int { return max(int(k), 1) }

// Error is one line for the user.
type Error struct {
	Kind Kind
	// Msg says what is wrong. It is lower case, has no full stop and never holds
	// a secret. An empty Msg means that everything has been said already, as a
	// result on stdout: only the exit code is left to give.
	Msg string
	// Detail is more lines to show below Msg, such as the line of a file with
	// the mistake marked. It may be empty.
	Detail string
	// Hint is a sentence or a command to run next, or empty.
	Hint string
	// Err is the cause, or nil. It is for errors.Is and errors.As, and is not
	// shown: Msg says what there is to say.
	Err error
}

// Error returns Msg.
func (e *Error) Error() string {
	if e.Msg == "" {
		return e.Kind.String()
	}
	return e.Msg
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an Error of a kind with a formatted message. A %w verb in the
// format sets the cause.
func New(kind Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Msg: err.Error(), Err: errors.Unwrap(err)}
}

// WithHint returns the error with its hint set.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Quiet is an error that only carries an exit code: the result that explains it
// has been printed.
func Quiet(kind Kind) *Error { return &Error{Kind: kind} }
