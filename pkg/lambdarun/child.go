package lambdarun

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"gatepass/pkg/apigw"
)

// child is a process that runs a handler by our shim.
type child struct {
	*process
	frames chan frame
	log    *logger
}

// frame is what the shim says.
type frame struct {
	kind string // ready, init, taken, ok, error, fatal
	id   string
	text []byte
	long bool // more than an answer may have
}

func (f *Function) startChild() (worker, error) {
	mark := newMark()
	c := &child{frames: make(chan frame, 16), log: &logger{to: f.o.Log}}
	sink := &splitter{mark: mark, line: c.log.line, frame: func(text []byte, long bool) {
		select {
		case c.frames <- parseFrame(text, long):
		default: // more than a shim ever says before it is heard
		}
	}}
	argv, err := f.command()
	if err != nil {
		return nil, err
	}
	if c.process, err = startProcess(argv, f.environment(""), f.handler.root, sink); err != nil {
		return nil, err
	}
	limitMemory(c.cmd.Process.Pid, f.o.Memory)
	// It fits into the pipe, so that this does not wait.
	_, _ = c.in.Write(greeting(mark, f.handler)) // of a process that is gone: start says so
	return c, nil
}

func parseFrame(text []byte, long bool) frame {
	kind, rest, _ := bytes.Cut(text, []byte(" "))
	id, rest, _ := bytes.Cut(rest, []byte(" "))
	return frame{kind: string(kind), id: string(id), text: rest, long: long}
}

// start waits for the module to be loaded.
func (c *child) start(ctx context.Context) (apigw.Output, bool) {
	l := c.limit(ctx, initLimit)
	defer l.stop()
	fr, ok := c.next()
	switch {
	case ok && fr.kind == "ready":
		return apigw.Output{}, true
	case ok:
		return failed(fr.text), false
	case l.over():
		return l.output(initLimit), false
	}
	return apigw.ErrorOutput("Error: " + c.exit() + ", before its module was loaded"), false
}

// invoke hands an event over and waits for the answer to it.
func (c *child) invoke(ctx context.Context, k *call) (apigw.Output, fate) {
	line, err := json.Marshal(struct {
		ID       string          `json:"id"`
		Deadline int64           `json:"deadline"`
		ARN      string          `json:"arn"`
		Trace    string          `json:"trace"`
		Event    json.RawMessage `json:"event"`
	}{k.id, time.Now().Add(k.limit).UnixMilli(), k.arn, k.trace, k.event})
	if err != nil { // of an event that is JSON: cannot be
		return apigw.NotInvokedOutput(err.Error()), keep
	}
	c.log.reset()
	l := c.limit(ctx, k.limit)
	defer l.stop()
	// Where it fails the process has ended, which is seen below.
	_, _ = c.in.Write(append(line, '\n'))
	taken := false
	for {
		fr, ok := c.next()
		switch {
		case !ok && l.over():
			return l.output(k.limit), discard
		case !ok && !taken:
			return apigw.Output{}, untaken
		case !ok:
			return apigw.ErrorOutput("RequestId: " + k.id + " Error: " + c.exit()), discard
		case fr.id != k.id:
		case fr.kind == "taken":
			taken = true
		default:
			return answerOf(fr)
		}
	}
}

// answerOf is the output that a frame stands for.
func answerOf(fr frame) (apigw.Output, fate) {
	switch {
	case fr.kind == "fatal":
		return failed(fr.text), discard
	case fr.long || len(fr.text) > maxPayload:
		return tooLarge(), keep
	case fr.kind == "ok":
		return apigw.ResultOutput(fr.text), keep
	}
	return failed(fr.text), keep
}

// tooLarge is Lambda's error for an answer of more than 6 MB.
func tooLarge() apigw.Output {
	return apigw.ErrorOutput(fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxPayload))
}

// failed is the output for an error that the function ended with, as the shims, the
// Runtime API and the Invoke API have it.
func failed(text []byte) apigw.Output {
	if message, ok := textOf(text, "errorMessage"); ok {
		return apigw.ErrorOutput(message)
	}
	return apigw.ErrorOutput("the function failed without an error message")
}

// textOf is a string member of a JSON object. Its name is compared exactly, as API
// Gateway does.
func textOf(object []byte, name string) (string, bool) {
	var members map[string]json.RawMessage
	var text *string
	if json.Unmarshal(object, &members) != nil || json.Unmarshal(members[name], &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}

// next is what the shim says next; false when the process has ended.
func (c *child) next() (frame, bool) {
	select {
	case fr := <-c.frames:
		return fr, true
	case <-c.exited:
	}
	select { // what it said before it ended
	case fr := <-c.frames:
		return fr, true
	default:
		return frame{}, false
	}
}

// timeLimit kills a process when its time is over, or when nobody waits for it any
// more.
type timeLimit struct {
	timer *time.Timer
	free  func() bool
	spent atomic.Bool
	left  atomic.Bool
	ctx   context.Context //nolint:containedctx // of one invocation, for why it ended
}

func (p *process) limit(ctx context.Context, d time.Duration) *timeLimit {
	l := &timeLimit{ctx: ctx}
	l.timer = time.AfterFunc(d, func() {
		l.spent.Store(true)
		p.kill()
	})
	l.free = context.AfterFunc(ctx, func() {
		l.left.Store(true)
		p.kill()
	})
	return l
}

func (l *timeLimit) stop() {
	l.timer.Stop()
	l.free()
}

// over reports whether the process was killed.
func (l *timeLimit) over() bool { return l.spent.Load() || l.left.Load() }

// gaveUp is the output for a function that nobody waited for to the end. Where the
// context has a cause of its own, that is why.
func gaveUp(ctx context.Context) apigw.Output {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return apigw.TimeoutOutput(cause.Error())
	}
	return apigw.TimeoutOutput("interrupted before the function answered")
}

// output is what is said of the process that was killed.
func (l *timeLimit) output(d time.Duration) apigw.Output {
	if l.spent.Load() {
		return apigw.TimeoutOutput(fmt.Sprintf("Task timed out after %.2f seconds", d.Seconds()))
	}
	return gaveUp(l.ctx)
}
