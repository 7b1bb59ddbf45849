package lambdarun

import "net"

// ownUser is a listener that only takes connections of this user's own processes,
// where the system says whose they are. The Runtime API has no authentication, and
// its events have tokens in them.
type ownUser struct{ net.Listener }

func (l ownUser) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || isOwn(c.LocalAddr(), c.RemoteAddr()) {
			return c, err
		}
		_ = c.Close() // a stranger's
	}
}
