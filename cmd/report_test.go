package cmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
	"gatepass/pkg/source"
)

func TestClassify(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, mistake := source.YAML("f.yaml", []byte("a: [1\n"))
	for _, tc := range []struct {
		name string
		ctx  context.Context
		err  error
		want fault.Kind
	}{
		{"ours", context.Background(), fmt.Errorf("x: %w", fault.New(fault.Login, "log in")), fault.Login},
		{"a mistake in a file", context.Background(), mistake, fault.Usage},
		{"several mistakes", context.Background(), errors.Join(mistake, mistake), fault.Usage},
		{"interrupted", ended, fmt.Errorf("x: %w", context.Canceled), fault.Interrupted},
		{"given up, but not by the user", context.Background(), context.Canceled, fault.Failed},
		{"time limit", context.Background(), context.DeadlineExceeded, fault.Network},
		{"refused", context.Background(), &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, fault.Network},
		{"no host", context.Background(), &url.Error{Op: "Get", URL: "x", Err: &net.DNSError{}}, fault.Network},
		{"a full disk", context.Background(), &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, fault.Failed},
		{"whatever else", context.Background(), errors.New("boom"), fault.Failed},
	} {
		if got := classify(tc.ctx, tc.err); got.Kind != tc.want || got.Msg == "" {
			t.Errorf("%s: %v %q, want %v", tc.name, got.Kind, got.Msg, tc.want)
		}
	}
}

func TestReportIsCleanAndWhole(t *testing.T) {
	streams, out, errs := iostreams.Test("")
	app := &App{IO: streams, Secrets: new(secret.Redactor)}
	app.Secrets.Add(secret.New("very-secret"))
	err := &fault.Error{Kind: fault.Denied, Msg: "no\x1b[2J very-secret", Detail: "one\ntwo", Hint: "try again"}
	if code := report(context.Background(), app, false, err); code != 3 {
		t.Errorf("exit code %d", code)
	}
	want := "gatepass: no\\x1b[2J [redacted]\n  one\n  two\nhint: try again\n"
	if errs.String() != want || out.Len() > 0 {
		t.Errorf("stderr %q, want %q; stdout %q", errs, want, out)
	}
	errs.Reset()
	report(context.Background(), app, true, err)
	if !strings.HasPrefix(errs.String(), `{"schemaVersion":1,"error":{"kind":"denied","message":"no\\x1b[2J [redacted]"`) {
		t.Errorf("JSON %s", errs)
	}
	errs.Reset()
	if code := report(context.Background(), app, false, fault.Quiet(fault.Invalid)); code != 5 || errs.Len() > 0 {
		t.Errorf("a quiet error exits %d and says %q", code, errs)
	}
}

// A panic is an error like any other: without secrets, and with an exit code of
// its own.
func TestPanicIsReported(t *testing.T) {
	const jws = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXRoYXQtd29ya3M"
	for _, args := range [][]string{{"status"}, {"status", "--json"}, {"token"}, {"login"}} {
		streams, out, errs := iostreams.Test("")
		app := &App{IO: streams, Secrets: new(secret.Redactor), Getenv: func(string) string {
			panic("very-secret, \x1b[2J refresh_token=r-1 and Bearer " + jws)
		}}
		app.Secrets.Add(secret.New("very-secret"))
		if code := Run(context.Background(), app, args); code != 1 {
			t.Errorf("%v: exit code %d", args, code)
		}
		for _, bad := range []string{"very-secret", "r-1", "c2lnbmF0dXJl", "\x1b"} {
			if strings.Contains(out.String()+errs.String(), bad) {
				t.Errorf("%v: %q is in %s", args, bad, errs)
			}
		}
		for _, want := range []string{"this is a mistake in gatepass", "eyJzdWIiOiIxIn0.[redacted]", "report_test.go"} {
			if !strings.Contains(errs.String(), want) {
				t.Errorf("%v: no %q in %s", args, want, errs)
			}
		}
	}
}

// What is said to a person fits their terminal, and is one line for whoever reads it
// otherwise.
func TestSay(t *testing.T) {
	const said = "the keyring cannot be used: the tokens are kept in a file"
	for terminal, want := range map[bool]string{
		true:  "gatepass: the keyring cannot be used:\n          the tokens are kept in a file\n",
		false: "gatepass: " + said + "\n",
	} {
		streams, _, errs := iostreams.Test("")
		streams.ErrTerminal, streams.Width = terminal, 40
		app := &App{IO: streams, Secrets: new(secret.Redactor)}
		app.say("%s", said)
		report(context.Background(), app, false, fault.New(fault.Failed, "%s", said))
		if got := errs.String(); got != want+want {
			t.Errorf("on a terminal %t:\n%s", terminal, got)
		}
	}
}
