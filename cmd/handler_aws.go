package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"gatepass/pkg/awsapi"
	"gatepass/pkg/awsapi/sigv4"
	"gatepass/pkg/fault"
)

// awsLimit is how long a program may take that gets AWS credentials: long enough for
// somebody to touch a key.
const awsLimit = time.Minute

// maxAWSOutput is the most that such a program may print, in bytes.
const maxAWSOutput = 64 << 10

// inAWS is the way to ask a function in AWS, with the user's own credentials. Nothing
// is looked up before it is asked for the first time. The region is that of the ARN,
// of the user's settings for AWS, or of the API.
func (app *App) inAWS(name, region string) (func(context.Context, []byte) (int, string, []byte, error), error) {
	m := app.awsMachine()
	if at := regionOfARN(name); at != "" {
		region = at
	} else if at := awsapi.Region(app.Getenv); at != "" {
		region = at
	} else if at, err := awsapi.ProfileRegion(m, ""); err == nil && at != "" {
		region = at
	}
	c, err := awsapi.New(awsapi.Options{
		Region: region, Sign: sigv4.Sign, Endpoint: awsapi.Endpoints(app.Getenv), HTTP: app.HTTP, Now: app.Now,
		Credentials: awsapi.Kept(app.watched(awsapi.FirstOf(awsapi.Environment(app.Getenv), awsapi.Profile(m, ""))), app.Now),
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, event []byte) (int, string, []byte, error) {
		status, functionError, body, err := c.Invoke(ctx, name, event)
		app.awsHint(err)
		return status, functionError, body, err
	}, nil
}

// awsHint says what to do about an error of AWS. The error itself is part of the
// verdict.
func (app *App) awsHint(err error) {
	var f *fault.Error
	switch {
	case errors.Is(err, awsapi.ErrNone):
		fmt.Fprintln(app.IO.Err, "hint: choose your credentials with AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case errors.As(err, &f) && f.Hint != "":
		fmt.Fprintf(app.IO.Err, "hint: %s\n", app.clean(f.Hint))
	}
}

// watched tells the redactor of credentials that a provider gets.
func (app *App) watched(p awsapi.Provider) awsapi.Provider {
	return func(ctx context.Context) (awsapi.Credentials, error) {
		c, err := p(ctx)
		if err == nil {
			app.Secrets.Add(c.SecretAccessKey, c.SessionToken)
		}
		return c, err
	}
}

// regionOfARN is the region of a function's ARN, or nothing.
func regionOfARN(name string) string {
	if parts := strings.Split(name, ":"); len(parts) > 4 && parts[0] == "arn" {
		return parts[3]
	}
	return ""
}

// awsMachine is where AWS's own tools keep their settings.
func (app *App) awsMachine() awsapi.Machine {
	return awsapi.Machine{
		Getenv: app.Getenv,
		Home: func() (string, error) {
			for _, name := range []string{"HOME", "USERPROFILE"} {
				if home := app.Getenv(name); home != "" {
					return home, nil
				}
			}
			return "", errors.New("no home directory is known")
		},
		ReadFile: func(name string) ([]byte, error) {
			f, err := os.Open(name)
			if err != nil {
				return nil, err
			}
			defer func() { _ = f.Close() }() // it was read
			return readUpTo(f, name, awsapi.MaxProfiles)
		},
		Shell: func(ctx context.Context, command string) ([]byte, error) {
			if runtime.GOOS == "windows" {
				return outputOf(ctx, "cmd", "/C", command)
			}
			return outputOf(ctx, "/bin/sh", "-c", command)
		},
		AWS: func(ctx context.Context, args ...string) ([]byte, error) {
			path, err := exec.LookPath("aws")
			if err != nil {
				return nil, awsapi.ErrNone
			}
			return outputOf(ctx, path, args...)
		},
	}
}

// outputOf runs a program of the user's and returns what it prints. What it says on
// standard error is only shown when it fails, in a line: it is no secret.
func outputOf(ctx context.Context, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, awsLimit)
	defer cancel()
	out, said := &capped{max: maxAWSOutput, full: cancel}, &capped{max: maxAWSOutput, full: func() {}}
	c := exec.CommandContext(ctx, program, args...) //nolint:gosec // the user's own settings name it
	c.Stdout, c.Stderr = out, said
	c.WaitDelay = time.Second // a grandchild may hold the pipe open
	err := c.Run()
	switch {
	case out.over:
		return nil, fault.New(fault.Failed, "it printed more than credentials")
	case err != nil && len(bytes.TrimSpace(said.buf.Bytes())) > 0:
		return nil, fmt.Errorf("%s", cutText(strings.Join(strings.Fields(said.buf.String()), " "), 200))
	}
	return out.buf.Bytes(), err
}
