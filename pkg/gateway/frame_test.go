package gateway

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
)

// mask writes a frame as a client does, with its length in the shortest form.
func mask(f frame, key [4]byte) []byte {
	b := wholeFrame(f.op, f.payload)
	if !f.fin {
		b[0] &^= 0x80
	}
	b[1] |= 0x80
	head := len(b) - len(f.payload)
	out := append(append(append([]byte(nil), b[:head]...), key[:]...), f.payload...)
	for i := range f.payload {
		out[head+4+i] ^= key[i&3]
	}
	return out
}

// What is read as a frame is one: written again it is what was sent. Everything
// else is an error that closes the connection.
func FuzzFrame(f *testing.F) {
	for _, text := range []string{"", "hi", string(make([]byte, 126)), string(make([]byte, 1<<16))} {
		f.Add(mask(frame{opText, true, []byte(text)}, [4]byte{1, 2, 3, 4}))
		f.Add(mask(frame{opContinuation, false, []byte(text)}, [4]byte{}))
		f.Add(mask(frame{opClose, true, []byte(text)}, [4]byte{0xff}))
	}
	f.Add([]byte("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		got, err := readFrame(bufio.NewReader(bytes.NewReader(sent)))
		var e *closeError
		switch {
		case errors.As(err, &e):
			if len(e.reason) > 123 || e.code < 1000 {
				t.Errorf("close %d with %d bytes", e.code, len(e.reason))
			}
			return
		case err != nil:
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v", err)
			}
			return
		}
		if len(got.payload) > maxFrame || got.op.control() && len(got.payload) > 125 {
			t.Errorf("%d bytes", len(got.payload))
		}
		head := 2
		switch sent[1] & 0x7f {
		case 126:
			head = 4
		case 127:
			head = 10
		}
		again := mask(got, [4]byte(sent[head:head+4]))
		if !bytes.HasPrefix(sent, again) {
			t.Errorf("%x read as %x", sent, again)
		}
	})
}

// A close frame is answered with what may be sent, whatever it says.
func FuzzClose(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte{3})
	f.Add([]byte("\x03\xe8bye"))
	f.Add([]byte("\x03\xed"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		code, err := readClose(payload)
		var e *closeError
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%v", err)
		}
		if err == nil && code != closeNoStatus && binary.BigEndian.Uint16(payload) != code {
			t.Errorf("%x read as %d", payload, code)
		}
		if code == 1004 || code == 1006 || code == 1015 || code >= 5000 {
			t.Errorf("code %d", code)
		}
	})
}
