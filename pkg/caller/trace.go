package caller

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gatepass/pkg/secret"
)

// trace notes the times of a hop, tells what is sent, and gives a hop up that no
// connection takes.
func (x *exchange) trace(h hop, giveUp func()) *httptrace.ClientTrace {
	protocol := "HTTP/1.1"
	return &httptrace.ClientTrace{
		DNSDone:     func(httptrace.DNSDoneInfo) { x.note(func(t *Timings, d time.Duration) { t.DNS = d }) },
		ConnectDone: func(_, _ string, err error) { x.connected(err) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err == nil {
				x.note(func(t *Timings, d time.Duration) { t.TLS = d })
			}
		},
		GotConn: func(i httptrace.GotConnInfo) {
			x.touch()
			if x.taken.Add(1) > mostTaken {
				giveUp()
				return
			}
			x.wrote.Store(true)
			x.connection(i.Conn)
			if x.o.Line == nil {
				return
			}
			x.line(About, "connected to "+i.Conn.RemoteAddr().String())
			if c, ok := i.Conn.(*tls.Conn); ok {
				st := c.ConnectionState()
				if st.NegotiatedProtocol == "h2" {
					protocol = "HTTP/2"
				}
				x.line(About, tls.VersionName(st.Version)+", "+tls.CipherSuiteName(st.CipherSuite))
			}
			x.line(Sent, h.method+" "+h.url.RequestURI()+" "+protocol)
		},
		WroteHeaderField: func(name string, values []string) {
			if x.o.Line != nil && !strings.HasPrefix(name, ":") {
				for _, v := range values {
					x.line(Sent, name+": "+x.field(name, v))
				}
			}
		},
		WroteHeaders:         func() { x.line(Sent, "") },
		GotFirstResponseByte: func() { x.note(func(t *Timings, d time.Duration) { t.FirstByte = d }) },
	}
}

// connection notes the ends of the connection that is used.
func (x *exchange) connection(c net.Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	// What has no address and port, as a pipe, has none here.
	x.local, _ = netip.ParseAddrPort(c.LocalAddr().String())
	x.remote, _ = netip.ParseAddrPort(c.RemoteAddr().String())
}

func (x *exchange) connected(err error) {
	if err == nil {
		x.note(func(t *Timings, d time.Duration) { t.Connect = d })
	}
}

// note sets a time.
func (x *exchange) note(set func(*Timings, time.Duration)) {
	x.touch()
	x.mu.Lock()
	defer x.mu.Unlock()
	set(&x.timings, time.Since(x.hop))
}

// received tells what came back before the body.
func (x *exchange) received(resp *http.Response) {
	if x.o.Line == nil {
		return
	}
	x.line(Received, resp.Proto+" "+resp.Status)
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		for _, v := range resp.Header[name] {
			x.line(Received, name+": "+v)
		}
	}
	x.line(Received, "")
}

// line tells a line, without secrets.
func (x *exchange) line(d Direction, text string) {
	if x.o.Line == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.o.Line(d, x.clean(text))
}

// field is the value of a field that is sent, without the token and the API key.
// Of a JSON Web Token the header and payload stay.
func (x *exchange) field(name, value string) string {
	if strings.EqualFold(name, keyHeader) {
		return "[redacted]"
	}
	if !strings.EqualFold(name, x.r.TokenHeader) {
		return value
	}
	cleaned := secret.Redact(value)
	if t := x.r.Token.Reveal(); t != "" {
		cleaned = strings.ReplaceAll(cleaned, t, fmt.Sprint(x.r.Token))
	}
	return cleaned
}

// shortest is the length below which a token is a word that may stand in any
// line, such as the "allow" of a first authorizer.
const shortest = 6

// clean takes secrets out of text: what looks like one, and the token, whatever
// it looks like.
func (x *exchange) clean(s string) string {
	s = secret.Redact(s)
	for _, known := range []secret.String{x.r.Token, x.r.APIKey} {
		if v := known.Reveal(); len(v) >= shortest {
			s = strings.ReplaceAll(s, v, fmt.Sprint(known))
		}
	}
	return s
}
