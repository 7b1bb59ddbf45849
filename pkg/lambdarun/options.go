package lambdarun

import (
	"context"
	"net/http"
	"runtime"
	"time"
)

// The limits of Lambda (AWS: "Lambda quotas", "Configure Lambda function timeout",
// "Configure Lambda function memory"). How long API Gateway waits for an authorizer is
// 10 s in HTTP APIs, and not documented for REST APIs.
const (
	DefaultTimeout = 3 * time.Second
	RemoteTimeout  = 30 * time.Second
	MaxTimeout     = 15 * time.Minute
	DefaultMemory  = 128   // MB
	MinMemory      = 128   // MB
	MaxMemory      = 10240 // MB

	// maxPayload is the most bytes of an event or an answer: 6 MB, by the figure
	// in Lambda's own message.
	maxPayload = 6291556
	// initLimit is how long a function may take to be ready (AWS: "Lambda
	// execution environment lifecycle", init phase).
	initLimit = 10 * time.Second
)

// Options say which function to run, and how. One of Handler, URL and Remote is
// set.
type Options struct {
	// Handler names a file: "simple.js", "auth.py#check", "target/bootstrap"; or a
	// handler as Lambda has it: "src/auth.handler". Relative paths are relative to
	// Dir.
	Handler string
	// URL is Lambda's Invoke API, or something that speaks it: the runtime interface
	// emulator, "sam local start-lambda". Without a path it is that of the function
	// called "function".
	URL string
	// Remote invokes a function in AWS. Its results are those of the Invoke API: the
	// HTTP status, the header X-Amz-Function-Error, the body.
	Remote func(ctx context.Context, event []byte) (status int, functionError string, body []byte, err error)

	// Env is set besides what Lambda sets. It wins.
	Env map[string]string
	// Getenv looks up what programs need of the environment of this process: PATH,
	// the home and temporary folders. Nil: nothing is passed on.
	Getenv func(name string) string
	// LookPath finds a program, as exec.LookPath does. Handlers in Node and Python
	// need it.
	LookPath func(name string) (string, error)
	// HTTP makes the requests to URL. Nil: a client of its own.
	HTTP *http.Client

	// Timeout is that of an invocation. Zero is DefaultTimeout, and RemoteTimeout for a
	// function that runs elsewhere, which has a limit of its own.
	Timeout time.Duration
	Memory  int // in MB; zero: DefaultMemory
	// Concurrency is how many invocations may run at once, each in a process of its
	// own. Zero: as many as there are processors, and two at least.
	Concurrency int

	// Name, Region, Account and Version make the ARN and the environment of the
	// function. What is empty is made up.
	Name, Region, Account, Version string

	// Log takes what the function prints, line by line, without line ends and as it
	// came: neither clean nor bounded in meaning. It is called by several goroutines.
	// Everything printed before an answer has been logged when Invoke returns.
	Log func(line string)

	// Dir is what a relative Handler is relative to; empty: the working directory.
	Dir string
	// TempDir is for files that the processes need; empty: the system's.
	TempDir string
}

func (o *Options) complete() {
	set := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	set(&o.Region, "us-east-1")
	set(&o.Account, "123456789012")
	set(&o.Version, "$LATEST")
	switch {
	case o.Timeout > 0:
	case o.Handler == "":
		o.Timeout = RemoteTimeout
	default:
		o.Timeout = DefaultTimeout
	}
	if o.Memory <= 0 {
		o.Memory = DefaultMemory
	}
	if o.Concurrency <= 0 {
		o.Concurrency = max(2, runtime.GOMAXPROCS(0))
	}
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
}

// arn is the ARN of the function.
func (o *Options) arn() string {
	return "arn:aws:lambda:" + o.Region + ":" + o.Account + ":function:" + o.Name
}
