package saved_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"gatepass/pkg/saved"
	"gatepass/pkg/source"
)

const forbidden = `{"message":"Forbidden"}`

// curlV is what curl -v prints of a refusal, as a terminal shows it.
const curlV = `* Host abc.execute-api.eu-west-1.amazonaws.com:443 was resolved.
*   Trying 192.0.2.7:443...
* Connected to abc.execute-api.eu-west-1.amazonaws.com (192.0.2.7) port 443
* using HTTP/2
* [HTTP/2] [1] [authorization: Bearer secret-in-a-comment]
> GET /prod/orders?page=2 HTTP/2
> Host: abc.execute-api.eu-west-1.amazonaws.com
> User-Agent: curl/8.5.0
> Accept: */*
> Authorization: Bearer aaa.bbb.ccc
>
< HTTP/2 403
< content-type: application/json
< content-length: 23
< x-amzn-errortype: ForbiddenException
< x-amz-apigw-id: JZDDOGbfIAMFZ5A=
<
* Connection #0 to host abc.execute-api.eu-west-1.amazonaws.com left intact
` + forbidden

// shown is an exchange in a line, for comparing.
func shown(x saved.Exchange) string {
	names := slices.Sorted(maps.Keys(x.Header))
	var head []string
	for _, n := range names {
		head = append(head, n+"="+strings.Join(x.Header[n], "|"))
	}
	return fmt.Sprintf("%d:%d %s %s %d [%s] %s", x.Entry, x.Line, x.Method, x.URL, x.Status, strings.Join(head, ", "), x.Body)
}

func packed(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

func TestRead(t *testing.T) {
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{"curl -i", crlf("HTTP/1.1 403 Forbidden\nContent-Type: application/json\n\n") + forbidden, []string{"1:1   403 [Content-Type=application/json] " + forbidden}},
		{"line feeds alone", "HTTP/2 403\na: b\n\n" + forbidden + "\n", []string{"1:1   403 [a=b] " + forbidden + "\n"}},
		{"a byte order mark", "\xef\xbb\xbfHTTP/2 403\na: b\n\n", []string{"1:1   403 [a=b] "}},
		{"line ends of Windows", strings.ReplaceAll("> GET /o HTTP/1.1\n> Host: a.example\n>\n< HTTP/1.1 403 F\n< A: 1\n<\nx", "\n", "\r\r\n"), []string{"1:4 GET https://a.example/o 403 [A=1] x"}},
		{"no header", "HTTP/1.0 500 Oh\r\n\r\n", []string{"1:1   500 [] "}},
		{"Chrome's headers, a line each", "Request URL: https://a.example/o\nRequest Method: PUT\nStatus Code: 403 Forbidden\nRemote Address: 192.0.2.7:443\na: 1\n:status: 403\nB: x: y\n",
			[]string{"1:1 PUT https://a.example/o 403 [B=x: y, a=1] "}},
		{"Chrome's headers, two lines each", "General\nRequest URL\nhttps://a.example/o\nRequest Method\nGET\nStatus Code:\n403\nResponse Headers (2)\na\n1\nb:\n2\nRequest Headers\n:authority\na.example\nauthorization\nBearer x\n",
			[]string{"1:1 GET https://a.example/o 403 [a=1, b=2] "}},
		{"Chrome's headers, one without a value", "Request URL\nhttps://a.example/o\nRequest Method\nGET\nStatus Code\n403\nResponse Headers\na\n\nRequest Headers\nauthorization\nBearer x\n",
			[]string{"1:1 GET https://a.example/o 403 [] "}},
		{"AWS's test of a method", `{"status":403,"body":"x","headers":{"A":"1"},"multiValueHeaders":{"A":["1"]},"log":"Execution log","latency":5}`, []string{"1:1   403 [A=1] x"}},
		{"cut in the header", "HTTP/1.1 401 Unauthorized\r\nwww-auth", []string{"1:1   401 [] "}},
		{"folded", "HTTP/1.1 401\nA: one\n  two\n\tthree\nB: x\n\n", []string{"1:1   401 [A=one two three, B=x] "}},
		{"several values", "HTTP/1.1 401\nA: 1\nA: 2\n\n", []string{"1:1   401 [A=1|2] "}},
		{"no field", "HTTP/1.1 401\nnonsense\n: x\na b: c\nA: 1\n\n", []string{"1:1   401 [A=1] "}},
		{"continue", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 F\r\nA: 1\r\n\r\nx", []string{"1:3   403 [A=1] x"}},
		{"a proxy in between", "HTTP/1.1 200 Connection established\r\nVia: p\r\n\r\nHTTP/2 401 \r\nA: 1\r\n\r\nx", []string{"1:4   401 [A=1] x"}},
		{"redirects", "HTTP/1.1 302 Found\nLocation: /b\n\nHTTP/1.1 404 Not Found\nA: 1\n\nx", []string{"1:1   302 [Location=/b] ", "2:4   404 [A=1] x"}},
		{"a body that reads like a response", "HTTP/1.1 400\nContent-Length: 20\n\nHTTP/1.1 200\nA: b\n\nx", []string{"1:1   400 [Content-Length=20] HTTP/1.1 200\nA: b\n\nx"}},
		{"a line of a body", "HTTP/1.1 400\n\nsee HTTP/1.1 200\nHTTP/1.1 200 is what\nI wanted", []string{"1:1   400 [] see HTTP/1.1 200\nHTTP/1.1 200 is what\nI wanted"}},
		{"a length that lies", "HTTP/1.1 400\nContent-Length: 99999\n\nabc", []string{"1:1   400 [Content-Length=99999] abc"}},
		{"a newline behind the body", "HTTP/1.1 400\nContent-Length: 3\n\nabc\n", []string{"1:1   400 [Content-Length=3] abc"}},
		{"binary", "HTTP/1.1 400\n\n\x00\xff\n\x80", []string{"1:1   400 [] \x00\xff\n\x80"}},
		{"packed", "HTTP/1.1 403\r\nContent-Encoding: gzip\r\n\r\n" + packed(forbidden), []string{"1:1   403 [Content-Encoding=gzip] " + forbidden}},
		{"something before it", "$ curl -i URL\nHTTP/1.1 403 Forbidden\nA: 1\n\nx", []string{"1:2   403 [A=1] x"}},
		{"HTTPie", "GET /orders HTTP/1.1\nHost: api.example.com\nAuthorization: Bearer x\n\n\n\nHTTP/1.1 403 Forbidden\nA: 1\n\nx", []string{"1:7 GET https://api.example.com/orders 403 [A=1] x"}},
		{
			"wget -S", "Connecting to a|192.0.2.1|:443... connected.\nHTTP request sent, awaiting response... \n  HTTP/1.1 403 Forbidden\n  Content-Length: 23\n  A: 1\n2026-11-22 ERROR 403: Forbidden.\n",
			[]string{"1:3   403 [A=1, Content-Length=23] "},
		},
		{
			"curl -v", curlV,
			[]string{"1:12 GET https://abc.execute-api.eu-west-1.amazonaws.com/prod/orders?page=2 403 [content-length=23, content-type=application/json, x-amz-apigw-id=JZDDOGbfIAMFZ5A=, x-amzn-errortype=ForbiddenException] " + forbidden},
		},
		{
			"curl -v, the body first", "> GET /o HTTP/1.1\n> Host: localhost:8080\n>\n< HTTP/1.1 500 Oops\n< A: 1\n<\n{ [23 bytes data]\n" + forbidden + "* Connection #0 to host localhost left intact\n",
			[]string{"1:4 GET http://localhost:8080/o 500 [A=1] " + forbidden},
		},
		{
			"curl -v with its meter", "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n> GET /o HTTP/1.1\n>\n< HTTP/1.1 403 F\n<\n\r100    23  100    23    0     0   1234      0 --:--:-- --:--:-- --:--:--  1234\nbody",
			[]string{"1:5 GET /o 403 [] body"},
		},
		{
			"call -v", "> GET /o HTTP/1.1\n>\n< HTTP/1.1 403 F\n< Content-Length: 4\n<\nbody\n* connected after 1ms\ngatepass: the API answered 403 Forbidden\n",
			[]string{"1:3 GET /o 403 [Content-Length=4] body"},
		},
		{
			"curl -iv", "> GET /o HTTP/1.1\n>\n< HTTP/1.1 403 F\n< A: 1\n<\nHTTP/1.1 403 F\nA: 1\n\nbody\n",
			[]string{"1:3 GET /o 403 [A=1] body\n"},
		},
		{
			"curl -v, a body with marks", "> GET /o HTTP/1.1\n>\n< HTTP/1.1 403 F\n<\n> quoted\n< less\n",
			[]string{"1:3 GET /o 403 [] > quoted\n< less\n"},
		},
		{
			"curl -v, continue", "> POST /o HTTP/1.1\n> Expect: 100-continue\n>\n< HTTP/1.1 100 Continue\n<\n} [5 bytes data]\n< HTTP/1.1 413 Too Large\n< A: 1\n<\n",
			[]string{"1:7 POST /o 413 [A=1] "},
		},
		{
			"curl -v through a proxy", "> CONNECT a.example:443 HTTP/1.1\n> Host: a.example:443\n>\n< HTTP/1.1 200 Connection established\n<\n* CONNECT phase completed\n> GET /o HTTP/1.1\n> Host: a.example\n>\n< HTTP/1.1 401 Unauthorized\n<\n",
			[]string{"1:10 GET https://a.example/o 401 [] "},
		},
		{
			"curl -vL", "> GET /a HTTP/1.1\n>\n< HTTP/1.1 301 Moved\n< Location: /b\n<\n* Ignoring the response-body\n> GET /b HTTP/1.1\n>\n< HTTP/1.1 404 Not Found\n<\nx",
			[]string{"1:3 GET /a 301 [Location=/b] ", "2:9 GET /b 404 [] x"},
		},
		{
			"call --json", `{"schemaVersion": 1, "method": "GET", "url": "https://a.example/o", "status": 403, "headers": {"A": ["1", "2"]}, "body": "x"}`,
			[]string{"1:1 GET https://a.example/o 403 [A=1|2] x"},
		},
		{
			"call --json, packed", `{"schemaVersion": 1, "status": 403, "headers": {}, "body": "", "bodyBase64": "` + base64.StdEncoding.EncodeToString([]byte(packed("x"))) + `"}`,
			[]string{"1:1   403 [] x"},
		},
		{
			"HAR", `{"log": {"version": "1.2", "entries": [
{"startedDateTime": "2026-11-22T12:00:00.000Z", "request": {"method": "GET", "url": "https://a.example/o?x=1", "headers": [{"name": ":method", "value": "GET"}, {"name": "origin", "value": "https://app"}]},
 "response": {"status": 403, "headers": [{"name": "A", "value": "1"}], "content": {"size": 1, "text": "eA==", "encoding": "base64"}}},
{"request": {"method": "OPTIONS", "url": "https://a.example/p"}, "response": {"status": 0, "_error": "net::ERR_FAILED", "headers": [], "content": {}}}]}}`,
			[]string{"1:2 GET https://a.example/o?x=1 403 [A=1] x", "2:4 OPTIONS https://a.example/p 0 [] "},
		},
		{
			"an entry of a HAR", `{"request": {"method": "GET", "url": "/"}, "response": {"status": 200}}`,
			[]string{"1:1 GET / 200 [] "},
		},
	} {
		all, err := saved.Read("file", []byte(tc.text))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		var got []string
		for _, x := range all {
			got = append(got, shown(x))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s:\n got %q\nwant %q", tc.name, got, tc.want)
		}
	}
}

// utf16Of is a text in UTF-16 with a byte order mark.
func utf16Of(order binary.AppendByteOrder, s string) string {
	b := order.AppendUint16(nil, 0xfeff)
	for _, unit := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// TestReadDisguised: the same answer, however it was saved.
func TestReadDisguised(t *testing.T) {
	const answer = "HTTP/1.1 403 Forbidden\nA: \u00e9\nB: 1\n\n{\n  \"message\": \"\U0001f600\"\n}\n"
	indented := func(by string) string {
		lines := strings.ReplaceAll(by+strings.ReplaceAll(strings.TrimSuffix(answer, "\n"), "\n", "\n"+by), "\n"+by+"\n", "\n\n")
		return lines + "\n"
	}
	want := "1:1   403 [A=\u00e9, B=1] {\n  \"message\": \"\U0001f600\"\n}\n"
	har := `{"log":{"entries":[{"request":{"url":"/"},"response":{"status":403}}]}}`
	for name, text := range map[string]string{
		"as it is": answer, "UTF-16, little end first": utf16Of(binary.LittleEndian, answer), "UTF-16, big end first": utf16Of(binary.BigEndian, answer),
		"packed": packed(answer), "packed UTF-16": packed(utf16Of(binary.LittleEndian, answer)),
		"eight spaces": indented("        "), "a tab": indented("\t"), "coloured": "\x1b[1mHTTP/1.1\x1b[0m \x1b[1;31m403\x1b[m" + answer[len("HTTP/1.1 403"):],
	} {
		all, err := saved.Read("f", []byte(text))
		if err != nil || len(all) != 1 || shown(all[0]) != want {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
	}
	for name, text := range map[string]string{"packed": packed(har), "UTF-16": utf16Of(binary.LittleEndian, har)} {
		if all, err := saved.Read("f", []byte(text)); err != nil || len(all) != 1 || all[0].Status != 403 {
			t.Errorf("a HAR file, %s: %+v, %v", name, all, err)
		}
	}
	if x := saved.Body(403, []byte(utf16Of(binary.LittleEndian, forbidden))); string(x.Body) != forbidden {
		t.Errorf("a body in UTF-16: %q", x.Body)
	}
	bomb := packed(strings.Repeat("x", saved.MaxSize+1))
	if _, err := saved.Read("f", []byte(bomb)); err == nil {
		t.Error("a bomb holds a response")
	}
}

// TestReadRequest: what is known of a request, and what is not.
func TestReadRequest(t *testing.T) {
	first := func(text string) saved.Exchange {
		t.Helper()
		all, err := saved.Read("file", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	x := first(curlV)
	if got := x.RequestHeader["Authorization"]; !slices.Equal(got, []string{"Bearer aaa.bbb.ccc"}) || x.Withheld {
		t.Errorf("curl -v: %q, withheld %v", got, x.Withheld)
	}
	if x := first("HTTP/2 403\n\n"); x.RequestHeader != nil {
		t.Errorf("nothing is known of the request, and there is %v", x.RequestHeader)
	}
	har := first(`{"log": {"entries": [{"startedDateTime": "2026-11-22T13:00:00+01:00", "request": {"method": "GET", "url": "/"}, "response": {"status": 401, "_error": ""}}]}}`)
	if !har.Withheld || !har.Time.Equal(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("HAR: %+v", har)
	}
	if x := first(`{"log": {"entries": [{"request": {}, "response": {"status": 0, "_error": "net::ERR_FAILED"}}]}}`); x.Failure != "net::ERR_FAILED" {
		t.Errorf("failure %q", x.Failure)
	}
}

func TestReadMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "f:1:1: it is empty",
		" \n":                           "f:1:1: it is empty",
		forbidden:                       "f:1:1: this JSON is no HAR file, and no answer of gatepass call --json",
		"<html>":                        "f:1:1: there is no response in it: no line such as HTTP/1.1 403 Forbidden",
		"HTTP/1.1 4031 X\n\n":           "f:1:1: there is no response in it: no line such as HTTP/1.1 403 Forbidden",
		"HTTP/1.1 100 Continue\r\n\r\n": "f:1:1: there is no response in it: no line such as HTTP/1.1 403 Forbidden",
		`{"log": {"entries": [` + "\n" + `{"request": {"url`: "f:2:18: the JSON document ends too early",
		`{"log": {}}`:                "f:1:9: a HAR file has a list log.entries, and this one has none",
		`{"log": {"entries": []}}`:   "f:1:21: the HAR file has no requests",
		`{"log": {"entries": [{}]}}`: "f:1:22: an entry of a HAR file has a request and a response",
		`{"log": {"entries": [{"request": {}, "response": {}}]}}`:                 "f:1:50: the response has no status",
		`{"log": {"entries": [{"request": {}, "response": {"status": "x"}}]}}`:    "f:1:61: want an HTTP status, got \"x\"",
		`{"log": {"entries": [{"request": {}, "response": {"status": 12}}]}}`:     "f:1:61: want an HTTP status, got \"12\"",
		`{"schemaVersion": 1, "allowed": false, "status": 403, "headers": {}}`:    "f:1:1: this JSON is no HAR file, and no answer of gatepass call --json",
		`{"schemaVersion": 1, "status": 99, "headers": {}}`:                       "f:1:32: want an HTTP status, got \"99\"",
		`{"log": {"entries": [{"request": [], "response": {"status": 1` + `}}]}}`: "f:1:22: an entry of a HAR file has a request and a response",
	} {
		all, err := saved.Read("f", []byte(text))
		var e *source.Error
		if !errors.As(err, &e) || err.Error() != want {
			t.Errorf("%q: %v, %v; want %s", text, all, err, want)
		}
	}
}

// TestReadHostile: large and odd input is bounded.
func TestReadHostile(t *testing.T) {
	many := strings.Repeat("HTTP/1.1 403 F\nA: 1\n\n", 5*saved.MaxExchanges)
	if all, err := saved.Read("f", []byte(many)); err != nil || len(all) != saved.MaxExchanges {
		t.Errorf("%d responses, %v", len(all), err)
	}
	header := "HTTP/1.1 403 F\n" + strings.Repeat("A: 1\n", 5*saved.MaxFields) + "B: " + strings.Repeat("x", 2*saved.MaxField) + "\n\n"
	all, err := saved.Read("f", []byte(header))
	if err != nil || len(all[0].Header["A"]) != saved.MaxFields || len(all[0].Header["B"]) != 0 {
		t.Errorf("%d fields, %v", len(all[0].Header["A"]), err)
	}
	long, err := saved.Read("f", []byte("HTTP/1.1 403 F\nB: "+strings.Repeat("x", 2*saved.MaxField)+"\n\n"))
	if err != nil || len(long[0].Header["B"][0]) > saved.MaxField {
		t.Errorf("a field of %d bytes, %v", len(long[0].Header["B"][0]), err)
	}
	for name, body := range map[string]string{"long": strings.Repeat("x", 2*saved.MaxBody), "bomb": packed(strings.Repeat("x", 8*saved.MaxBody))} {
		all, err := saved.Read("f", []byte("HTTP/1.1 403 F\n\n"+body))
		if err != nil || len(all[0].Body) != saved.MaxBody {
			t.Errorf("%s: a body of %d bytes, %v", name, len(all[0].Body), err)
		}
	}
	entries := func(n int) string {
		one := `{"request": {"method": "GET", "url": "/"}, "response": {"status": 403, "content": {"text": "` + strings.Repeat("x", 1<<20) + `"}}}`
		return strings.TrimSuffix(strings.Repeat(one+",\n", n), ",\n")
	}
	page := `{"log": {"creator": {"name": "x"}, "entries": [` + "\n" + entries(12) + "\n], \"pages\": []}}"
	if all, err := saved.Read("f", []byte(page)); err != nil || len(all) != 12 || all[11].Line != 13 || all[11].Entry != 12 || len(all[11].Body) != saved.MaxBody {
		t.Errorf("a large HAR file: %d entries, %v", len(all), err)
	}
	for text, want := range map[string]string{
		page[:len(page)-(1<<20)]: "f:12:", strings.Replace(page, `"entries"`, `"others"`, 1): "none was found", "[" + page + "]": "none was found",
		strings.Replace(page, `"status": 403`, `"status": 4`, 1): "has not", strings.Repeat(" ", 11<<20) + `{"log": {"entries": []}}`: "has no requests",
	} {
		if _, err := saved.Read("f", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	folds := "HTTP/1.1 403 F\nA: 1\n" + strings.Repeat(" x\n", 1<<20)
	start := time.Now()
	if _, err := saved.Read("f", []byte(folds)); err != nil || time.Since(start) > 10*time.Second {
		t.Errorf("a million folds: %v after %s", err, time.Since(start))
	}
	if x := saved.Body(403, []byte(forbidden)); x.Status != 403 || string(x.Body) != forbidden || x.Header == nil || x.RequestHeader != nil {
		t.Errorf("a body alone: %+v", x)
	}
}

// FuzzRead: whatever is read, each response is one, within the limits, and printed
// as curl -i prints it is read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(curlV))
	f.Add([]byte("HTTP/1.1 403 Forbidden\r\nA: 1\r\n b\r\n\r\n" + forbidden))
	f.Add([]byte(`{"log":{"entries":[{"request":{"method":"GET","url":"/","headers":[{"name":"a","value":"b"}]},"response":{"status":403,"headers":[],"content":{"text":"eA==","encoding":"base64"}}}]}}`))
	f.Add([]byte(`{"schemaVersion":1,"status":403,"headers":{"A":["1"]},"body":"x"}`))
	f.Add([]byte("GET / HTTP/1.1\nA: 1\n\nHTTP/1.0 200 Connection established\n\nHTTP/2 500\n\n\x1f\x8b"))
	f.Add([]byte("  HTTP/1.1 403 F\n  A: 1\nend"))
	f.Add([]byte(utf16Of(binary.LittleEndian, "HTTP/2 403\na: b\n\n")))
	f.Add([]byte("\t HTTP/1.1 403 F\n\t \x1b[1mA\x1b[0m: 1\n\n\t x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := saved.Read("f", data)
		if (err == nil) != (len(all) > 0) || len(all) > saved.MaxExchanges {
			t.Fatalf("%d responses, %v", len(all), err)
		}
		for i, x := range all {
			if x.Entry != i+1 || x.Line < 1 || x.Status != 0 && (x.Status < 100 || x.Status > 999) || len(x.Body) > saved.MaxBody || x.Header == nil {
				t.Fatalf("%+v", x)
			}
			if x.Status < 200 {
				continue
			}
			printed := fmt.Sprintf("HTTP/1.1 %d\r\n", x.Status)
			for name, values := range x.Header {
				if strings.ContainsAny(name+strings.Join(values, ""), "\r\n: \t\"{}<>()/=,;") || len(values) > 1 || strings.EqualFold(name, "content-length") {
					return // not every name of a HAR file can be printed
				}
				printed += name + ": " + values[0] + "\r\n"
			}
			again, err := saved.Read("f", []byte(printed+"\r\n"))
			if err != nil || len(again) != 1 || again[0].Status != x.Status || !maps.EqualFunc(again[0].Header, x.Header, slices.Equal) {
				t.Fatalf("%q is read as %+v, %v", printed, again, err)
			}
		}
	})
}

func ExampleRead() {
	all, err := saved.Read("response.txt", []byte("HTTP/2 403\nx-amzn-errortype: ForbiddenException\n\n{\"message\":\"Forbidden\"}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, x := range all {
		fmt.Println(x.Status, x.Header["x-amzn-errortype"][0], string(x.Body))
	}
	// Output: 403 ForbiddenException {"message":"Forbidden"}
}
