package caller_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"crypto/rand"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
)

// packer compresses, and can be told to let go of what it has.
type packer interface {
	io.WriteCloser
	Flush() error
}

func newPacker(t testing.TB, coding string, w io.Writer) packer {
	t.Helper()
	switch coding {
	case "gzip", "x-gzip":
		return gzip.NewWriter(w)
	case "br":
		return brotli.NewWriter(w)
	case "zstd":
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		return z
	case "zlib":
		return zlib.NewWriter(w)
	}
	z, err := flate.NewWriter(w, 6)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func pack(t testing.TB, coding, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := newPacker(t, coding, &b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The codings by how they are made, and what they are called.
func codings() map[string]string {
	return map[string]string{"gzip": "gzip", "x-gzip": "X-GZip", "br": "br", "zstd": "zstd", "zlib": "deflate", "flate": "deflate"}
}

func TestDecode(t *testing.T) {
	text := strings.Repeat("some text, and more of it; ", 10_000)
	for made, called := range codings() {
		t.Run(made, func(t *testing.T) {
			packed := pack(t, made, text)
			for name, r := range map[string]io.Reader{"whole": bytes.NewReader(packed), "byte by byte": iotest.OneByteReader(bytes.NewReader(packed))} {
				body, unknown := caller.Decode(r, []string{called})
				got, err := io.ReadAll(body)
				if err != nil || unknown != "" || string(got) != text {
					t.Errorf("%s: %d bytes, %q, %v", name, len(got), unknown, err)
				}
				if err := body.Close(); err != nil {
					t.Error(err)
				}
			}
			body, _ := caller.Decode(strings.NewReader(""), []string{called})
			if got, err := io.ReadAll(body); len(got) > 0 || err != nil {
				t.Errorf("nothing: %q, %v", got, err)
			}
		})
	}
	twice := pack(t, "br", string(pack(t, "gzip", text)))
	for _, header := range [][]string{{"gzip, br"}, {"gzip", " BR "}, {"identity,gzip,,br"}} {
		body, _ := caller.Decode(bytes.NewReader(twice), header)
		if got, err := io.ReadAll(body); err != nil || string(got) != text {
			t.Errorf("%q: %d bytes, %v", header, len(got), err)
		}
	}
}

func TestDecodeLeavesWhatItDoesNotKnow(t *testing.T) {
	for header, unknown := range map[string]string{
		"": "", "identity": "", "compress": "compress", "gzip, aws-chunked": "aws-chunked", "gzip,gzip,gzip": "3 codings on top of each other",
		"Bearer eyJhbGciOiJSUzI1NiJ9": "something", strings.Repeat("x", 21): "something", "a\u009b": "something",
	} {
		body, got := caller.Decode(strings.NewReader("as it is"), []string{header})
		if text, err := io.ReadAll(body); err != nil || string(text) != "as it is" || got != unknown {
			t.Errorf("%q: %q, unknown %q, %v", header, text, got, err)
		}
	}
}

// What has been sent is there to be read, whatever comes after it and when.
func TestDecodeDoesNotWait(t *testing.T) {
	for made, called := range codings() {
		t.Run(made, func(t *testing.T) {
			r, w := io.Pipe()
			z := newPacker(t, made, w)
			next := make(chan bool)
			go func() {
				for range next {
					_, _ = io.WriteString(z, "data: tick\n\n")
					_ = z.Flush()
				}
				_ = z.Close()
				_ = w.Close()
			}()
			body, _ := caller.Decode(r, []string{called})
			for range 3 {
				next <- true
				buf := make([]byte, 12)
				if _, err := io.ReadFull(body, buf); err != nil || string(buf) != "data: tick\n\n" {
					t.Fatalf("%q, %v", buf, err)
				}
			}
			close(next)
			if rest, err := io.ReadAll(body); len(rest) > 0 || err != nil {
				t.Errorf("%q, %v", rest, err)
			}
		})
	}
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	noise := make([]byte, 50_000)
	_, _ = rand.Read(noise)
	reset := errors.New("reset")
	for made, called := range codings() {
		packed := pack(t, made, string(noise))
		check := func(name string, r io.Reader, want string) {
			t.Helper()
			body, _ := caller.Decode(r, []string{called})
			_, err := io.Copy(io.Discard, body)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Network || !strings.Contains(f.Msg, want) {
				t.Errorf("%s, %s: %v", made, name, err)
			}
			if _, again := body.Read(make([]byte, 1)); again == nil {
				t.Errorf("%s, %s: reads on after %v", made, name, err)
			}
		}
		check("cut", bytes.NewReader(packed[:len(packed)/2]), "ends in the middle of its "+strings.ToLower(called)+" compression")
		if made != "flate" { // any bytes may be bare DEFLATE
			check("something else", strings.NewReader("<html>\xff\xff\xff\xff and more of it"), "is not compressed with "+strings.ToLower(called))
		}
		body, _ := caller.Decode(io.MultiReader(bytes.NewReader(packed[:1000]), iotest.ErrReader(reset)), []string{called})
		if _, err := io.Copy(io.Discard, body); !errors.Is(err, reset) {
			t.Errorf("%s: the error of the network became %v", made, err)
		}
	}
	little, _ := caller.Decode(strings.NewReader("{}"), []string{"gzip"})
	if _, err := io.ReadAll(little); err == nil || !strings.Contains(err.Error(), "is not compressed with gzip") {
		t.Errorf("less than a header: %v", err)
	}
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithWindowSize(64<<20))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		_, _ = z.Write(noise)
	}
	_ = z.Close()
	body, _ := caller.Decode(&b, []string{"zstd"})
	if _, err := io.Copy(io.Discard, body); err == nil || !strings.Contains(err.Error(), "more memory than HTTP allows") {
		t.Errorf("a window of 64 MB: %v", err)
	}
}

// A bomb goes off in constant memory.
func TestDecodeOfBombs(t *testing.T) {
	const size = 64 << 20
	for _, coding := range []string{"gzip", "br", "zstd"} {
		var bomb bytes.Buffer
		z := newPacker(t, coding, &bomb)
		if _, err := io.CopyN(z, zeros{}, size); err != nil {
			t.Fatal(err)
		}
		_ = z.Close()
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		body, _ := caller.Decode(&bomb, []string{coding})
		n, err := caller.Copy(io.Discard, body)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; n != size || err != nil || got > 24<<20 {
			t.Errorf("%s: %d bytes of %d, %d allocated, %v", coding, n, bomb.Cap(), got, err)
		}
		_ = body.Close()
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Whatever comes, it ends in an end or a fault of the network, and what was packed
// by others is unpacked.
func FuzzDecode(f *testing.F) {
	for made, called := range codings() {
		f.Add(called, pack(f, made, "text text text"))
	}
	f.Add("gzip, br", []byte("\x8b\x02\x80"))
	f.Fuzz(func(t *testing.T, coding string, packed []byte) {
		body, _ := caller.Decode(bytes.NewReader(packed), []string{coding})
		defer body.Close()
		_, err := io.Copy(io.Discard, io.LimitReader(body, 1<<20))
		var fe *fault.Error
		if err != nil && (!errors.As(err, &fe) || fe.Kind != fault.Network) {
			t.Errorf("%v", err)
		}
		text := string(packed)
		for _, made := range []string{"gzip", "br", "zstd"} {
			body, _ := caller.Decode(bytes.NewReader(pack(t, made, text)), []string{made})
			if got, err := io.ReadAll(body); err != nil || string(got) != text {
				t.Errorf("%s: %q, %v, want %q", made, got, err, text)
			}
		}
	})
}
