package view_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"gatepass/pkg/view"
)

func TestRequestBody(t *testing.T) {
	for _, tc := range []struct {
		in        string
		more      bool
		want      string
		truncated bool
	}{
		{"text", false, "text", false},
		{"te", true, "te", true},
		{"aü"[:2], true, "a", true}, // half a character
		{"a€"[:3], true, "a", true},
		{"a\xff", false, "", true},
		{"\xff\xfe", true, "", true},
		{"", false, "", false},
	} {
		var r view.Request
		r.SetBody([]byte(tc.in), tc.more)
		if r.Body != tc.want || r.BodyTruncated != tc.truncated {
			t.Errorf("of %q: %q, truncated %v", tc.in, r.Body, r.BodyTruncated)
		}
	}
}

func TestRequestText(t *testing.T) {
	size := int64(5000)
	r := view.Request{
		Method: "POST", URL: "https://h.example/\u202e", Headers: map[string][]string{"A": {"\x1b[2J", "2"}},
		BodySize: &size, Body: "a\x1b\nb", BodyTruncated: true,
	}
	var b bytes.Buffer
	if err := r.Text(&b, []string{"A"}, true); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "POST https://h.example/\\u202e\nA: \\x1b[2J\nA: 2\n\na\\x1b\nb\n(5.0 kB in all)\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	b.Reset()
	r.BodySize, r.Body = nil, ""
	if err := r.Text(&b, nil, false); err != nil || !strings.HasSuffix(b.String(), "\n\n(a body whose size is not known before it is read)\n") {
		t.Errorf("%q, %v", b.String(), err)
	}
}

// A shell gives the words back as they were.
func TestWord(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	words := []string{"", "plain-1.2_/:@%+,x", "=x", "a b", "it's", `"$(id)" $HOME !!`, "`id`", `back\slash`, "two\nlines", "~", "*", "#x", "a;b", "{a,b}", "ü", "-x", "\x1b"}
	script := "printf '%s\\0'"
	for _, w := range words {
		script += " " + view.Word(w)
	}
	out, err := exec.CommandContext(t.Context(), sh, "-c", script).Output()
	if err != nil || string(out) != strings.Join(words, "\x00")+"\x00" {
		t.Errorf("%q, %v, of %s", out, err, script)
	}
	for _, text := range []string{"X: ", `$X: "`, "`id`: \\", "it's: "} {
		out, err := exec.CommandContext(t.Context(), sh, "-c", "V='a b'; printf '%s\\0' "+view.Expanded(text, "$V")).Output()
		if err != nil || string(out) != text+"a b\x00" {
			t.Errorf("%q gives %q, %v", text, out, err)
		}
	}
}

func TestCommand(t *testing.T) {
	if got := view.Command([][]string{{"curl", "-s"}, {"-H", "a"}}); got != "curl -s -H a\n" {
		t.Errorf("%q", got)
	}
	long := strings.Repeat("x", 80)
	if got := view.Command([][]string{{"curl"}, {"-H", long}}); got != "curl \\\n  -H "+long+"\n" {
		t.Errorf("%q", got)
	}
}
