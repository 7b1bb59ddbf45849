package caller

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"gatepass/pkg/fault"
)

// AcceptEncoding is the Accept-Encoding of what Decode undoes, but for deflate,
// about whose meaning servers differ.
const AcceptEncoding = "gzip, br, zstd"

// Limits of what is unpacked.
const (
	// mostCodings is how many codings may be on top of each other. One is usual;
	// each further one multiplies what a few bytes can grow to.
	mostCodings = 2
	// mostWindow is how far back zstd may refer, in bytes: what RFC 9659 allows a
	// server, and with it what unpacking takes of memory. The window of br is at
	// most 16 MB by its format, that of gzip 32 kB.
	mostWindow = 8 << 20
)

// Decode undoes the content codings of a body (RFC 9110 section 8.4), piece by
// piece and in constant memory. The codings are the values of Content-Encoding.
// With a coding that it does not know the body stays as it is, and the coding is
// the second result. Reading gives *fault.Error of kind Network where the body is
// not what its coding says. Close does not close r.
func Decode(r io.Reader, codings []string) (body io.ReadCloser, unknown string) {
	names, unknown := splitCodings(codings)
	if unknown != "" || len(names) == 0 {
		return io.NopCloser(r), unknown
	}
	var all unpackers
	for i := len(names) - 1; i >= 0; i-- { // the last one was put on last
		u := &unpacker{coding: names[i], below: &remembering{r: r}}
		all, r = append(all, u), u
	}
	return struct {
		io.Reader
		io.Closer
	}{r, all}, ""
}

// splitCodings are the codings to undo, without identity, and what is none of ours.
func splitCodings(values []string) (names []string, unknown string) {
	for name := range strings.SplitSeq(strings.Join(values, ","), ",") {
		switch name = strings.ToLower(strings.TrimSpace(name)); name {
		case "", "identity":
		case "gzip", "x-gzip", "br", "zstd", "deflate":
			names = append(names, name)
		default:
			return nil, codingName(name)
		}
	}
	if len(names) > mostCodings {
		return nil, fmt.Sprintf("%d codings on top of each other", len(names))
	}
	return names, ""
}

// codingName is a coding's name where it can be one. What is none is not repeated: in
// small letters, a secret in it would not be known again.
func codingName(name string) string {
	const most = 20 // such as pack200-gzip
	odd := func(r rune) bool { return r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }
	if len(name) > most || strings.ContainsFunc(name, odd) {
		return "something"
	}
	return name
}

type unpackers []*unpacker

func (all unpackers) Close() error {
	for _, u := range all {
		u.close()
	}
	return nil
}

// unpacker undoes one coding. It starts with the first byte, because an answer
// without a body may name a coding all the same.
type unpacker struct {
	coding string
	below  *remembering
	r      io.Reader
	stop   func()
	err    error
}

func (u *unpacker) Read(p []byte) (int, error) {
	if u.r == nil && u.err == nil {
		u.err = u.explain(u.start())
	}
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.r.Read(p)
	u.err = u.explain(err)
	return n, u.err
}

func (u *unpacker) start() error {
	b := bufio.NewReaderSize(u.below, buffer)
	head, err := b.Peek(1)
	if len(head) == 0 {
		return err
	}
	switch u.coding {
	case "br":
		u.r = brotli.NewReader(b)
	case "zstd":
		// One at a time, so that what has come is handed on at once.
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(mostWindow))
		if err != nil {
			return err
		}
		u.r, u.stop = z, z.Close
	case "deflate":
		return u.startDeflate(b)
	default:
		if head, _ := b.Peek(2); len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b {
			return gzip.ErrHeader // also where there is less than a header
		}
		z, err := gzip.NewReader(b)
		if err != nil {
			return err
		}
		u.r = z
	}
	return nil
}

// startDeflate tells the two things apart that are sent as deflate: the zlib format
// that RFC 9110 means by it, and bare DEFLATE.
func (u *unpacker) startDeflate(b *bufio.Reader) (err error) {
	head, _ := b.Peek(2)
	if len(head) == 2 && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		u.r, err = zlib.NewReader(b)
		return err
	}
	u.r = flate.NewReader(b)
	return nil
}

// explain says what is wrong with what was sent, unless it was the network.
func (u *unpacker) explain(err error) error {
	switch {
	case err == nil, err == io.EOF: //nolint:errorlint // readers return it bare
		return err
	case u.below.err != nil && !errors.Is(u.below.err, io.EOF):
		return u.below.err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.Network, "the answer ends in the middle of its %s compression", u.coding)
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fault.New(fault.Network, "unpacking the answer takes more memory than HTTP allows zstd, which is %d MB", mostWindow>>20)
	}
	return fault.New(fault.Network, "the answer is not compressed with %s, as it says it is", u.coding).
		WithHint("take it as it is: in a pipe or with -o FILE, without --compressed")
}

func (u *unpacker) close() {
	if u.stop != nil {
		u.stop()
		u.stop = nil
	}
	if u.err == nil {
		u.err = io.ErrClosedPipe
	}
}

// remembering keeps the error that ended what is below an unpacker, which hides it
// behind its own.
type remembering struct {
	r   io.Reader
	err error
}

func (m *remembering) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if err != nil {
		m.err = err
	}
	return n, err
}
