package login

import (
	"io"
	"net"
)

// plain is a socket of an http redirect URI. Browsers that are set to https only try
// that first: they are told at once that there is none, and then use http. Waiting
// for a request in what they say would have them wait, too.
type plain struct{ net.Listener }

// Accept waits for the next connection.
func (p plain) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &untold{Conn: c}, nil
}

// untold is a connection of which the first byte has not been seen.
type untold struct {
	net.Conn
	begun bool
}

// The first byte of a TLS connection, a record of the handshake, and the alert that
// ends one: fatal, protocol_version (RFC 8446 sections 5.1 and 6).
const (
	handshake = 0x16
	noTLS     = "\x15\x03\x01\x00\x02\x02\x46"
)

// Read reads what the browser says.
func (c *untold) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.begun {
		c.begun = true
		if b[0] == handshake {
			_, _ = io.WriteString(c.Conn, noTLS)
			return 0, io.EOF
		}
	}
	return n, err
}
