package lambdarun

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/fault"
)

// Function is a Lambda function that can be invoked. Several goroutines may use it.
type Function struct {
	o        Options
	handler  *handler // nil: it runs elsewhere
	argv     []string // what starts a process of it
	instance string   // a random name
	elsewhere
	slots chan struct{} // one for each invocation that may run
	busy  sync.WaitGroup

	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu     sync.Mutex
	idle   []*warm
	closed bool
	temp   string // folder with the shim, once it is there
	files  string // the state of the sources
	seen   time.Time
}

// warm is a process that is ready, or busy, with the state of the files it was
// started from.
type warm struct {
	worker
	files string
}

// worker is a process of a function.
type worker interface {
	// invoke runs one invocation. It returns soon after ctx or the time limit ends.
	invoke(ctx context.Context, c *call) (apigw.Output, fate)
	// start waits until the process is ready; false comes with the failure.
	start(ctx context.Context) (apigw.Output, bool)
	// alive reports whether it has not ended.
	alive() bool
	// end kills the process and all that it started, and waits for that.
	end()
}

// fate is what becomes of a process after an invocation.
type fate uint8

const (
	keep    fate = iota // it takes the next
	discard             // it has ended, or cannot be trusted
	untaken             // it had ended before it took the event, which another one may take
)

// call is one invocation.
type call struct {
	id, trace string
	event     []byte // compact JSON
	limit     time.Duration
	arn       string
}

// New finds the function and what runs it. Nothing is started yet. Its errors are
// *fault.Error of kind Usage: no such file, no program for it, settings that Lambda
// would refuse.
func New(o Options) (*Function, error) {
	o.complete()
	if err := o.check(); err != nil {
		return nil, err
	}
	f := &Function{o: o, slots: make(chan struct{}, o.Concurrency), instance: randomHex(16)}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	if o.Handler == "" {
		if err := f.findElsewhere(); err != nil {
			return nil, err
		}
		return f, nil
	}
	var err error
	if f.handler, err = findHandler(o.Dir, o.Handler); err != nil {
		return nil, err
	}
	if f.argv, err = f.handler.program(o.LookPath); err != nil {
		return nil, err
	}
	if f.o.Name == "" {
		f.o.Name = functionName(f.handler.file)
	}
	return f, nil
}

func (o *Options) check() error {
	switch {
	case o.Timeout > MaxTimeout || o.Timeout < time.Millisecond:
		return fault.New(fault.Usage, "the time limit of a function is from %s to %s, not %s", time.Millisecond, MaxTimeout, o.Timeout)
	case o.Memory < MinMemory || o.Memory > MaxMemory:
		return fault.New(fault.Usage, "the memory of a function is from %d to %d MB, not %d", MinMemory, MaxMemory, o.Memory)
	}
	for name, value := range o.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(value, "\x00") {
			return fault.New(fault.Usage, "%q cannot be an environment variable", name)
		}
	}
	return nil
}

// functionName is a name for the function of a file.
func functionName(file string) string {
	stem := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return '-'
	}, stem)
}

// command is the command line of a process. The shim of a language is written when the
// first process needs it.
func (f *Function) command() ([]string, error) {
	if f.handler.language == executable {
		return f.argv, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.temp == "" {
		dir, err := os.MkdirTemp(f.o.TempDir, "gatepass-")
		if err != nil {
			return nil, fmt.Errorf("no temporary folder for its runtime: %w", err)
		}
		if err := writeShim(f.handler.language, dir); err != nil {
			_ = os.RemoveAll(dir) // what could not be written
			return nil, fmt.Errorf("its runtime cannot be written: %w", err)
		}
		f.temp = dir
	}
	return append(append(slices.Clone(f.argv), f.handler.arguments(f.o.Memory)...), filepath.Join(f.temp, shimName)), nil
}

// String names the function for people.
func (f *Function) String() string {
	switch {
	case f.handler != nil && f.handler.export != "":
		return f.handler.file + "#" + f.handler.export
	case f.handler != nil:
		return f.handler.file
	case f.o.URL != "":
		return f.o.URL
	}
	return "the function " + f.o.Name + " in AWS"
}

// File is the handler's own, or empty for a function that runs elsewhere.
func (f *Function) File() string {
	if f.handler == nil {
		return ""
	}
	return f.handler.file
}

// Files are the files whose change makes the next invocation start a new process:
// the handler and what lies beside it. A function that runs elsewhere has none.
func (f *Function) Files() []string {
	if f.handler == nil {
		return nil
	}
	return f.handler.sources()
}

// Invoke runs the function with an event, a JSON document, and returns what
// Lambda's caller would see. When ctx ends the process is ended too; the cause of the
// context, where it has one of its own, is the reason then.
func (f *Function) Invoke(ctx context.Context, event []byte) apigw.Output {
	if !f.enter() {
		return apigw.NotInvokedOutput("the function has been closed")
	}
	defer f.busy.Done()
	var compact bytes.Buffer
	switch err := json.Compact(&compact, event); {
	case err != nil:
		return apigw.NotInvokedOutput("the event is no JSON: " + err.Error())
	case compact.Len() > maxPayload:
		return apigw.NotInvokedOutput(fmt.Sprintf("the event has %d bytes, more than the %d that Lambda takes", compact.Len(), maxPayload))
	}
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return apigw.NotInvokedOutput("interrupted")
	case <-f.ctx.Done():
		return apigw.NotInvokedOutput("the function has been closed")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(f.ctx, stop)()
	if f.handler == nil {
		return f.invokeElsewhere(ctx, compact.Bytes())
	}
	return f.run(ctx, &call{id: newID(), trace: newTrace(), event: compact.Bytes(), limit: f.o.Timeout, arn: f.o.arn()})
}

// Ready starts a process of the function, if there is none yet, so that the first
// invocation need not wait. Its error, of kind Usage, says why the function cannot
// be run: a module that is missing, say, or an export. Functions that run elsewhere
// are not asked.
func (f *Function) Ready(ctx context.Context) error {
	if f.handler == nil || !f.enter() {
		return nil
	}
	defer f.busy.Done()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(f.ctx, stop)()
	w, out, ok := f.take(ctx)
	if !ok {
		return fault.New(fault.Usage, "%s does not start: %s", f, oneLine(out.Message))
	}
	f.giveBack(w)
	return nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// enter counts an invocation, unless the function is closed.
func (f *Function) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.busy.Add(1)
	return true
}

// run invokes with a process that is there, or with a new one. A process that
// ended by itself while it was idle took nothing with it: another one takes the
// event.
func (f *Function) run(ctx context.Context, c *call) apigw.Output {
	for range 3 {
		w, out, ok := f.take(ctx)
		if !ok {
			return out
		}
		out, fate := w.invoke(ctx, c)
		switch fate {
		case keep:
			f.giveBack(w)
			return out
		case discard:
			w.end()
			return out
		}
		w.end()
	}
	return apigw.ErrorOutput("RequestId: " + c.id + " Error: Runtime exited without providing a reason")
}

// take returns a process that is ready; false comes with the failure to start one.
func (f *Function) take(ctx context.Context) (*warm, apigw.Output, bool) {
	files := f.state()
	for {
		w := f.pop()
		if w == nil {
			break
		}
		if w.files == files && w.alive() {
			return w, apigw.Output{}, true
		}
		w.end()
	}
	started, err := f.startWorker()
	if err != nil {
		return nil, apigw.NotInvokedOutput(fmt.Sprintf("%s cannot be run: %s", f, err)), false
	}
	w := &warm{started, files}
	if out, ok := w.start(ctx); !ok {
		w.end()
		return nil, out, false
	}
	return w, apigw.Output{}, true
}

func (f *Function) startWorker() (worker, error) {
	if f.handler.language == executable {
		return f.startBootstrap()
	}
	return f.startChild()
}

func (f *Function) pop() *warm {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.idle)
	if n == 0 {
		return nil
	}
	w := f.idle[n-1]
	f.idle = slices.Delete(f.idle, n-1, n)
	return w
}

func (f *Function) giveBack(w *warm) {
	f.mu.Lock()
	if !f.closed {
		f.idle = append(f.idle, w)
		w = nil
	}
	f.mu.Unlock()
	if w != nil {
		w.end()
	}
}

// Close ends all processes of the function, those of running invocations too, and
// waits until they are gone.
func (f *Function) Close() {
	f.mu.Lock()
	already := f.closed
	f.closed = true
	f.mu.Unlock()
	if already {
		return
	}
	f.cancel()
	f.busy.Wait()
	for w := f.pop(); w != nil; w = f.pop() {
		w.end()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.temp != "" {
		_ = os.RemoveAll(f.temp) // what stays is a copy of the shim
	}
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// newID is a request id, a UUID of version 4.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newTrace is a tracing header that asks for no sampling (AWS X-Ray: "Tracing
// header").
func newTrace() string {
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", time.Now().Unix(), randomHex(12), randomHex(8))
}
