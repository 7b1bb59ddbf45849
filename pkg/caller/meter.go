package caller

import (
	"io"
	"sync/atomic"
)

// Meter counts the bytes that go by. Its count may be read meanwhile. The zero
// Meter is ready.
type Meter struct{ n atomic.Int64 }

// Bytes is how many have gone by.
func (m *Meter) Bytes() int64 { return m.n.Load() }

// Reader counts what is read of r.
func (m *Meter) Reader(r io.Reader) io.Reader { return metered{r, m} }

type metered struct {
	io.Reader
	m *Meter
}

func (r metered) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.m.n.Add(int64(n))
	return n, err
}

// Body counts what is read of a request's body, from zero again each time the body
// is opened: a redirect or another try sends it anew.
func (m *Meter) Body(b Body) Body {
	if b.Open == nil {
		return b
	}
	open := b.Open
	b.Open = func() (io.ReadCloser, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		m.n.Store(0)
		return struct {
			io.Reader
			io.Closer
		}{m.Reader(r), r}, nil
	}
	return b
}
