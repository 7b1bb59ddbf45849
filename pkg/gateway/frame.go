package gateway

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"
)

// The limits of WebSocket APIs (AWS: "Quotas for configuring and running a
// WebSocket API"). What is larger ends the connection with code 1009.
const (
	maxFrame   = 32 << 10  // bytes of a frame's payload
	maxMessage = 128 << 10 // bytes of a message, in frames of at most maxFrame
)

// opcode says what a frame is (RFC 6455 section 5.2).
type opcode uint8

const (
	opContinuation opcode = 0
	opText         opcode = 1
	opBinary       opcode = 2
	opClose        opcode = 8
	opPing         opcode = 9
	opPong         opcode = 10
)

func (o opcode) control() bool { return o >= opClose }

// The codes a connection is closed with (RFC 6455 section 7.4.1).
const (
	closeNormal      = 1000
	closeGoingAway   = 1001
	closeProtocol    = 1002
	closeUnsupported = 1003
	closeNoStatus    = 1005 // stands for a close frame without a code; never sent
	closeInvalidText = 1007
	closeTooBig      = 1009
	closeFailed      = 1011
)

// closeError says why a connection has to be closed.
type closeError struct {
	code   uint16
	reason string // at most 123 bytes, that it fits into a close frame
}

func (e *closeError) Error() string { return fmt.Sprintf("close %d: %s", e.code, e.reason) }

func protocolError(reason string) error { return &closeError{closeProtocol, reason} }

// frame is one frame of a client, unmasked.
type frame struct {
	op      opcode
	fin     bool
	payload []byte
}

// readFrame reads one frame of a client. It allocates nothing before it knows that
// the frame is not too large. The error is a *closeError where the client is to be
// told, else that of the connection.
func readFrame(r *bufio.Reader) (frame, error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return frame{}, err
	}
	f := frame{op: opcode(b[0] & 0x0f), fin: b[0]&0x80 != 0}
	masked, short := b[1]&0x80 != 0, b[1]&0x7f
	if err := f.check(b[0]&0x70 != 0, masked, short); err != nil {
		return f, err
	}
	n, err := readLength(r, short)
	if err != nil {
		return f, err
	}
	if n > maxFrame {
		return f, &closeError{closeTooBig, "a frame has at most 32 KB"}
	}
	if _, err := io.ReadFull(r, b[:4]); err != nil {
		return f, err
	}
	f.payload = make([]byte, n)
	if _, err := io.ReadFull(r, f.payload); err != nil {
		return f, err
	}
	for i := range f.payload {
		f.payload[i] ^= b[i&3]
	}
	return f, nil
}

// check looks at the first two bytes of a frame (RFC 6455 sections 5.1, 5.2, 5.5).
func (f *frame) check(reserved, masked bool, short byte) error {
	switch {
	case reserved:
		return protocolError("a reserved bit is set, and no extension was agreed on")
	case f.op > opBinary && f.op < opClose, f.op > opPong:
		return protocolError("unknown opcode")
	case !masked:
		return protocolError("frames of a client are masked")
	case f.op.control() && !f.fin:
		return protocolError("a control frame is never fragmented")
	case f.op.control() && short > 125:
		return protocolError("a control frame has at most 125 bytes")
	}
	return nil
}

// readLength reads the rest of a payload's length, which must be in its shortest
// form (RFC 6455 section 5.2).
func readLength(r *bufio.Reader, short byte) (uint64, error) {
	var b [8]byte
	var n, least uint64
	switch short {
	default:
		return uint64(short), nil
	case 126:
		if _, err := io.ReadFull(r, b[:2]); err != nil {
			return 0, err
		}
		n, least = uint64(binary.BigEndian.Uint16(b[:2])), 126
	case 127:
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return 0, err
		}
		n, least = binary.BigEndian.Uint64(b[:]), 1<<16
	}
	if n < least || n > 1<<63-1 {
		return 0, protocolError("the length of a frame is not in its shortest form")
	}
	return n, nil
}

// wholeFrame is an unfragmented frame of a server, which is not masked.
func wholeFrame(op opcode, payload []byte) []byte {
	b := append(make([]byte, 0, 10+len(payload)), 0x80|byte(op))
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, payload...)
}

// readClose reads the payload of a close frame: nothing, or a code with a reason
// (RFC 6455 sections 5.5.1 and 7.4). The error is what to answer if it is neither.
func readClose(payload []byte) (code uint16, err error) {
	if len(payload) == 0 {
		return closeNoStatus, nil
	}
	if len(payload) == 1 {
		return 0, protocolError("a close frame has a code of two bytes or none")
	}
	code = binary.BigEndian.Uint16(payload)
	switch {
	case code >= 1000 && code <= 1014 && code != 1004 && code != closeNoStatus && code != 1006, code >= 3000 && code <= 4999:
	default:
		return 0, protocolError("no such close code")
	}
	if !utf8.Valid(payload[2:]) {
		return 0, &closeError{closeInvalidText, "the reason is not UTF-8"}
	}
	return code, nil
}

// closePayload is the payload of a close frame.
func closePayload(e *closeError) []byte {
	if e.code == closeNoStatus {
		return nil
	}
	return append(binary.BigEndian.AppendUint16(nil, e.code), e.reason...)
}
