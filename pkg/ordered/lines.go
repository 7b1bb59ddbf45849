// Package ordered answers lines: a line in, a line out, in the order of the input,
// on all cores and in constant memory.
//
// It promises that no more than a few chunks of lines are in memory at any time,
// however long the input is, that a line beyond a limit is not kept, and that
// somebody who writes a line and waits for its answer gets it.
package ordered

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
)

// Line is one line of the input.
type Line struct {
	Number int64  // from 1
	Text   []byte // without its end, LF or CR LF
	Long   bool   // it is longer than the limit; Text is its start
}

// Blank reports whether there is nothing in the line.
func (l *Line) Blank() bool { return !l.Long && len(bytes.TrimSpace(l.Text)) == 0 }

// Lines is a way to answer lines.
type Lines struct {
	// Answer appends the answer to a line, with the end of its own line, to a
	// buffer. It is called by several goroutines at once. An error ends it all,
	// after the answers to the lines before.
	Answer func(to []byte, l *Line) ([]byte, error)
	// Max is the length, in bytes, beyond which a line is long.
	Max int
	// Workers is how many goroutines answer; 0 is one for each core.
	Workers int
}

// A chunk is full with so many lines or bytes.
const (
	chunkLines = 128
	chunkBytes = 256 << 10
)

// chunk is some lines that follow each other, and their answers.
type chunk struct {
	first int64
	text  []byte
	ends  []int // of the lines in text
	long  []bool
	out   []byte
	err   error
	done  chan struct{}
}

// Run answers all lines of in to out. It ends with the input, the context, the
// first error of Answer, or an error of reading or writing. When it ends early,
// a read that is under way is left behind.
func (m *Lines) Run(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := m.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	work := make(chan *chunk, workers)
	order := make(chan *chunk, 2*workers)
	for range workers {
		go func() {
			for c := range work {
				c.out, c.err = m.answer(c)
				close(c.done)
			}
		}()
	}
	failed := make(chan error, 1)
	go func() {
		failed <- m.read(ctx, in, work, order)
		close(work)
		close(order)
	}()
	if err := write(ctx, out, order); err != nil {
		return err
	}
	return <-failed
}

func (m *Lines) answer(c *chunk) ([]byte, error) {
	var out []byte
	start := 0
	for i, end := range c.ends {
		l := Line{Number: c.first + int64(i), Text: c.text[start:end:end], Long: c.long[i]}
		start = end
		var err error
		if out, err = m.Answer(out, &l); err != nil {
			return out, err
		}
	}
	return out, nil
}

// read hands the lines out. A chunk goes on its way when it is full, and when the
// next line may be long in coming.
func (m *Lines) read(ctx context.Context, in io.Reader, work, order chan<- *chunk) error {
	r := bufio.NewReaderSize(in, 64<<10)
	next := int64(1)
	c := &chunk{first: next, done: make(chan struct{})}
	for {
		err := c.read(r, m.Max)
		full := len(c.ends) >= chunkLines || len(c.text) >= chunkBytes || !ready(r)
		if len(c.ends) > 0 && (full || err != nil) {
			if !send(ctx, work, c) || !send(ctx, order, c) {
				return ctx.Err()
			}
			next += int64(len(c.ends))
			c = &chunk{first: next, done: make(chan struct{})}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

func send(ctx context.Context, to chan<- *chunk, c *chunk) bool {
	select {
	case to <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

// ready reports whether a whole line has been read ahead.
func ready(r *bufio.Reader) bool {
	ahead, _ := r.Peek(r.Buffered())
	return bytes.IndexByte(ahead, '\n') >= 0
}

// read adds a line to the chunk.
func (c *chunk) read(r *bufio.Reader, most int) error {
	start, long := len(c.text), false
	for {
		part, err := r.ReadSlice('\n')
		if room := most + len("\r\n") - (len(c.text) - start); len(part) > room {
			part, long = part[:max(room, 0)], true
		}
		c.text = append(c.text, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && len(c.text) == start {
			return err // behind the last line
		}
		line := bytes.TrimSuffix(bytes.TrimSuffix(c.text[start:], []byte("\n")), []byte("\r"))
		if len(line) > most {
			line, long = line[:most], true
		}
		c.text = c.text[:start+len(line)]
		c.ends, c.long = append(c.ends, len(c.text)), append(c.long, long)
		return err
	}
}

// write writes the answers in their order, and does not keep them back when there
// are no more at the moment.
func write(ctx context.Context, out io.Writer, order <-chan *chunk) error {
	w := bufio.NewWriterSize(out, 64<<10)
	for {
		c, ok, err := receive(ctx, w, order)
		if err != nil || !ok {
			return errors.Join(err, w.Flush())
		}
		if _, err := w.Write(c.out); err != nil {
			return err
		}
		if c.err != nil {
			return errors.Join(w.Flush(), c.err)
		}
	}
}

// receive waits for the next chunk with its answers.
func receive(ctx context.Context, w *bufio.Writer, order <-chan *chunk) (c *chunk, ok bool, err error) {
	select {
	case c, ok = <-order:
	default:
		if err := w.Flush(); err != nil {
			return nil, false, err
		}
		select {
		case c, ok = <-order:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
	if !ok {
		return nil, false, nil
	}
	select {
	case <-c.done:
	default:
		if err := w.Flush(); err != nil {
			return nil, false, err
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
	return c, true, nil
}
