package saved

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"regexp"
	"unicode/utf16"
)

// plain is a saved text as UTF-8 without a byte order mark. A file may be packed
// with gzip, or in UTF-16, as the > of PowerShell 5 writes it.
func plain(data []byte) []byte {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		if z, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
			// What came before an error is better than nothing.
			if text, _ := io.ReadAll(io.LimitReader(z, MaxSize)); len(text) > 0 {
				data = text
			}
		}
	}
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		data = fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		data = fromUTF16(data[2:], binary.BigEndian)
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
}

// fromUTF16 reads UTF-16 in an order of bytes.
func fromUTF16(data []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// uncoloured is a text without the colours that were meant for a terminal, as
// script(1) and --pretty=all save them.
func uncoloured(data []byte) []byte {
	if !bytes.Contains(data, []byte("\x1b[")) {
		return data
	}
	return regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAll(data, nil)
}

// undented is a text without the spaces and tabs that all its lines begin with, as
// where it was taken out of a document. What is indented in part stays.
func undented(data []byte) []byte {
	var common []byte
	first := true
	for line := range bytes.Lines(data) {
		text := bytes.TrimLeft(line, " \t")
		indent := line[:len(line)-len(text)]
		switch {
		case len(bytes.TrimSpace(text)) == 0:
		case first:
			common, first = indent, false
		default:
			for !bytes.HasPrefix(indent, common) {
				common = common[:len(common)-1]
			}
		}
		if !first && len(common) == 0 {
			return data
		}
	}
	if len(common) == 0 {
		return data
	}
	out := make([]byte, 0, len(data))
	for line := range bytes.Lines(data) {
		rest, whole := bytes.CutPrefix(line, common)
		if !whole { // an empty line, perhaps with fewer spaces
			rest = bytes.TrimLeft(line, " \t")
		}
		out = append(out, rest...)
	}
	return out
}
