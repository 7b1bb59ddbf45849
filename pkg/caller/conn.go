package caller

import (
	"context"
	"io"
	"net"
)

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// wide makes connections that take bodies in larger pieces than net/http does, which
// halves the time of a large upload.
func wide(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return wideConn{c}, nil
	}
}

// wideConn is a connection whose ReadFrom, which net/http uses for bodies, has a
// buffer of the size of Copy's.
type wideConn struct{ net.Conn }

// ReadFrom sends what r has.
func (c wideConn) ReadFrom(r io.Reader) (int64, error) { return Copy(c.Conn, r) }
