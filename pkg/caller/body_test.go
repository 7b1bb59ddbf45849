package caller_test

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
	"gatepass/pkg/secret"

	"net/http"
)

func secretOf(s string) secret.String { return secret.New(s) }

// newHTTP2 is a server that speaks HTTP/2.
func newHTTP2(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConcat(t *testing.T) {
	f, err := caller.File(file(t, "f", "in a file"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		between string
		parts   []caller.Body
		want    string
	}{
		{"&", []caller.Body{caller.Text("a")}, "a"},
		{"&", []caller.Body{caller.Text("a"), caller.Text("b"), caller.Text("")}, "a&b&"},
		{"", []caller.Body{caller.Text("a"), f, caller.Text("b"), f}, "ain a filebin a file"},
	} {
		if got := open(t, caller.Concat(tc.between, tc.parts...)); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
	large, err := caller.Stream(strings.NewReader(strings.Repeat("x", 2<<20)))
	if err != nil {
		t.Fatal(err)
	}
	if b := caller.Concat("&", caller.Text("a"), large); b.Size >= 0 || !b.Once || len(open(t, b)) != 2<<20+2 {
		t.Errorf("with a stream: size %d, once %v", b.Size, b.Once)
	}
	gone := file(t, "gone", "x")
	b, err := caller.File(gone)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	r, err := caller.Concat("", caller.Text("a"), b).Open()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); string(text) != "a" || err == nil {
		t.Errorf("a file that is gone: %q, %v", text, err)
	}
}

func TestJoined(t *testing.T) {
	f, err := caller.File(file(t, "f", "a\r\nb\n\x00c\n"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := caller.Joined(f); err != nil || open(t, b) != "abc" || b.Size != 3 {
		t.Errorf("a file: %+v, %v", b, err)
	}
	// Pieces without anything to keep do not end the reading.
	once := caller.Body{Open: func() (io.ReadCloser, error) {
		return io.NopCloser(iotest.OneByteReader(strings.NewReader("\n\n\na\n\nb"))), nil
	}, Size: -1, Once: true}
	b, err := caller.Joined(once)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Open()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != "ab" {
		t.Errorf("a stream: %q, %v", text, err)
	}
}

func TestReadAll(t *testing.T) {
	b := caller.Text("12345")
	if text, err := b.ReadAll(5); err != nil || string(text) != "12345" {
		t.Errorf("%q, %v", text, err)
	}
	_, err := b.ReadAll(4)
	wantKind(t, err, fault.Usage, "larger than the 4 bytes")
}

// A form is read by mime/multipart as it was made.
func TestMultipart(t *testing.T) {
	path := file(t, `a "b".png`, "\x00\x01binary\r\n--x")
	f, err := caller.File(path)
	if err != nil {
		t.Fatal(err)
	}
	b, mediaType := caller.Multipart([]caller.Part{
		{Name: "title", Text: "ünï\r\n--gatepass-"},
		{Name: "na\"me\r\nX: y", Text: ""},
		{Name: "image", File: path, Type: caller.MediaType(path), Body: f},
	})
	text := open(t, b)
	kind, params, err := mime.ParseMediaType(mediaType)
	if err != nil || kind != "multipart/form-data" {
		t.Fatalf("%s: %v", mediaType, err)
	}
	var got []string
	for r := multipart.NewReader(strings.NewReader(text), params["boundary"]); ; {
		p, err := r.NextPart()
		if err != nil {
			break
		}
		data, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p.FormName()+"|"+p.FileName()+"|"+p.Header.Get("Content-Type")+"|"+string(data))
	}
	want := []string{"title|||ünï\r\n--gatepass-", "na%22me%0D%0AX: y|||", "image|a %22b%22.png|image/png|\x00\x01binary\r\n--x"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	_, again := caller.Multipart(nil)
	if mediaType == again {
		t.Error("two forms have the same boundary")
	}
}

func TestMediaType(t *testing.T) {
	for name, want := range map[string]string{"a.json": "application/json", "a.JSON": "application/json", "a.csv": "text/csv", "a": "application/octet-stream", "a.exe": "application/octet-stream"} {
		if got := caller.MediaType(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestHeaderLines(t *testing.T) {
	got := caller.HeaderLines([]byte("A: 1\r\n\r\n  \nB: 2"))
	if !slices.Equal(got, []string{"A: 1", "B: 2"}) {
		t.Errorf("%q", got)
	}
}

// FuzzAddQuery: whatever is added, the URL stays one line that reads the same.
func FuzzAddQuery(f *testing.F) {
	for _, s := range []string{"a=b", "a b&c", "ü=\"x\"", "\r\nX: y", "#", "%zz", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u := &url.URL{Scheme: "http", Host: "api.test", Path: "/x", RawQuery: "q=1"}
		caller.AddQuery(u, text)
		s := u.String()
		again, err := url.Parse(s)
		if err != nil || again.Host != "api.test" || again.Path != "/x" || again.RawQuery != u.RawQuery || again.Fragment != "" {
			t.Errorf("adding %q gives %s, %v", text, s, err)
		}
		if bytes.ContainsAny([]byte(s), " \r\n\t") {
			t.Errorf("adding %q gives %q", text, s)
		}
	})
}
