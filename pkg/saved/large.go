package saved

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"gatepass/pkg/source"
)

// MaxSize is the largest input that is read, in bytes: HAR files of pages are large.
const MaxSize = 64 << 20

// readLarge reads a HAR file that is too large to be read as one document: its
// entries one by one.
func readLarge(name string, data []byte) ([]Exchange, error) {
	r := &largeReader{name: name, data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	if !r.enter("log") || !r.enter("entries") || !r.open('[') {
		return nil, r.errorf("a HAR file has a list log.entries, and none was found")
	}
	var all []Exchange
	line, counted := 1, 0
	for r.dec.More() && len(all) < MaxExchanges {
		var raw json.RawMessage
		if err := r.dec.Decode(&raw); err != nil {
			return nil, r.errorf("this is not valid JSON: the file breaks off here, or is broken")
		}
		n, err := source.JSON(name, raw)
		if err != nil { // such as one that is too large by itself
			var e *source.Error
			if errors.As(err, &e) {
				return nil, r.errorf("the entry that ends here cannot be read: " + e.Msg)
			}
			return nil, err
		}
		x, err := entry(n)
		if err != nil {
			return nil, r.errorf("an entry of a HAR file has a request and a response with a status; the one that ends here has not")
		}
		begin := int(r.dec.InputOffset()) - len(raw)
		line += bytes.Count(data[counted:begin], []byte("\n"))
		counted = begin
		x.Line = line
		all = append(all, x)
	}
	if len(all) == 0 {
		return nil, r.errorf("the HAR file has no requests")
	}
	return number(all), nil
}

// largeReader goes through a document without keeping it.
type largeReader struct {
	name string
	data []byte
	dec  *json.Decoder
}

// open takes the beginning of an object or list.
func (r *largeReader) open(want json.Delim) bool {
	t, err := r.dec.Token()
	return err == nil && t == want
}

// enter goes to the value of a key of the object that begins here; what is before it
// is passed over.
func (r *largeReader) enter(key string) bool {
	if !r.open('{') {
		return false
	}
	for r.dec.More() {
		t, err := r.dec.Token()
		if err != nil || t == key {
			return err == nil
		}
		var skipped json.RawMessage
		if r.dec.Decode(&skipped) != nil {
			return false
		}
	}
	return false
}

// errorf is a mistake at the place that was reached.
func (r *largeReader) errorf(msg string) error {
	at := min(int(r.dec.InputOffset()), len(r.data))
	start := bytes.LastIndexByte(r.data[:at], '\n') + 1
	return &source.Error{
		File: r.name, Msg: msg,
		Pos: source.Position{Line: bytes.Count(r.data[:at], []byte("\n")) + 1, Column: utf8.RuneCount(r.data[start:at]) + 1},
	}
}
