package relay

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

func TestTelling(t *testing.T) {
	const sig = "c2lnbmF0dXJlLXRoYXQtd29ya3M"
	for _, tc := range []struct{ token, want string }{
		{"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0." + sig, sig},
		{"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.short", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.short"},
		{"opaque.token-0123456789-0123456789", "opaque.token-0123456789-0123456789"},
		{"0123456789abcde", ""},
		{"", ""},
		{strings.Repeat("a", 16<<10+1), ""},
	} {
		if got := telling(tc.token); got != tc.want {
			t.Errorf("telling(%q) = %q, want %q", tc.token, got, tc.want)
		}
	}
}

const part = "c2lnbmF0dXJl-dGhhdA"

func masked(t *testing.T, r io.Reader) string {
	t.Helper()
	m := newMask(io.NopCloser(r), part)
	got, err := io.ReadAll(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestMask(t *testing.T) {
	stars := strings.Repeat("*", len(part))
	for _, text := range []string{
		"", "x", part, part + part, "a" + part + "b" + part, part[:len(part)-1], part[1:], "cc2c" + part, strings.Repeat(part[:3], 9) + part,
		strings.Repeat("x", bufferSize-5) + part + "y", strings.Repeat("x", bufferSize+len(part)-1) + part, strings.Repeat("c", 3*bufferSize) + part,
	} {
		want := strings.ReplaceAll(text, part, stars)
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(text), "half": iotest.HalfReader(strings.NewReader(text)), "with its end": iotest.DataErrReader(strings.NewReader(text)),
		} {
			if got := masked(t, r); got != want {
				t.Errorf("%s: %.60q became %.60q", name, text, got)
			}
		}
		if len(text) < bufferSize/2 {
			if got := masked(t, iotest.OneByteReader(strings.NewReader(text))); got != want {
				t.Errorf("by bytes: %.60q became %.60q", text, got)
			}
		}
	}
	h := http.Header{"A": {"x" + part + "y", "z"}}
	if maskHeader(h, part); h["A"][0] != "x"+stars+"y" || h["A"][1] != "z" {
		t.Errorf("headers %v", h)
	}
	if maskHeader(h, ""); h["A"][1] != "z" {
		t.Errorf("headers %v", h)
	}
	body := io.NopCloser(strings.NewReader("x"))
	if newMask(body, "") != body {
		t.Error("a body is masked for nothing")
	}
}

// An error comes after what was read before it, and what was held back.
func TestMaskAtAnError(t *testing.T) {
	m := newMask(io.NopCloser(io.MultiReader(strings.NewReader("a"+part[:4]), iotest.ErrReader(io.ErrUnexpectedEOF))), part)
	if got, err := io.ReadAll(m); string(got) != "a"+part[:4] || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", got, err)
	}
}

// FuzzMask: in whatever pieces a body comes, it is as long as before, the part is not in
// it, and nothing else of it has changed.
func FuzzMask(f *testing.F) {
	f.Add("a", "b", uint8(3), uint8(5))
	f.Add(part[:5], part[5:], uint8(0), uint8(0))
	f.Add("", part, uint8(200), uint8(1))
	f.Fuzz(func(t *testing.T, before, after string, in, out uint8) {
		text := before + part + after
		m := newMask(io.NopCloser(&pieces{[]byte(text), int(in) + 1}), part)
		var got bytes.Buffer
		p := make([]byte, int(out)+1)
		for {
			n, err := m.Read(p)
			got.Write(p[:n])
			if err == io.EOF {
				break
			}
			if err != nil || n == 0 {
				t.Fatal(n, err)
			}
		}
		if want := strings.ReplaceAll(text, part, strings.Repeat("*", len(part))); got.String() != want {
			t.Errorf("%q became %q", text, &got)
		}
	})
}

// pieces is a body that comes in pieces.
type pieces struct {
	left []byte
	size int
}

func (r *pieces) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.size)], r.left)
	r.left = r.left[n:]
	return n, nil
}
