// Package netfault says in words why a request got no answer: whether there is
// no such host, nobody listens, time is up, or the certificate is not right. The
// words are one line each; text of the other side in them is cut to a length.
package netfault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Kind tells apart what a person would do something different about.
type Kind uint8

// The kinds. Other is everything that has no words of its own.
const (
	Other          Kind = iota
	NoHost              // the name does not exist
	NoName              // the name could not be looked up
	Refused             // nobody listens
	NoWay               // the network does not lead there
	Late                // a time limit has passed
	Closed              // the other side has ended the connection
	NotTLS              // the other side speaks something else
	Untrusted           // the certificate is signed by somebody unknown
	OtherName           // the certificate is for another name
	WrongTime           // the certificate is not valid now
	BadCertificate      // the certificate is not valid for another reason
	NoHandshake         // the other side does not go on with TLS
)

// Cause is why there is no answer.
type Cause struct {
	Kind Kind
	// Why is the cause in words, which name the host; Do is what may help, or empty.
	Why, Do string
}

// Of finds the cause of an error of net/http's client, or of a connection to a
// host. The host is as URLs have it, with the port where there is one.
func Of(err error, host string) Cause {
	var op *net.OpError
	proxy := errors.As(err, &op) && op.Op == "proxyconnect"
	if proxy {
		host = "the proxy"
	}
	if c, ok := ofName(err, host); ok {
		if proxy {
			c.Why, c.Do = c.Why+", the proxy", "is it spelt right? HTTPS_PROXY and HTTP_PROXY name it, NO_PROXY the hosts that need none"
		}
		return c
	}
	if c, ok := ofTLS(err, host); ok {
		return c
	}
	var timeout net.Error
	switch {
	case isAny(err, syscall.ECONNREFUSED, 10061):
		return Cause{Refused, host + " refuses connections: nothing listens there", "is it running, and are address and port right?"}
	case isAny(err, syscall.ENETUNREACH, syscall.EHOSTUNREACH, 10051, 10065):
		return Cause{NoWay, "there is no way to " + host + " from here", "is the network up, and the VPN where one is needed?"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return Cause{Late, host + " did not answer within the time limit", "try again; behind a proxy, set HTTPS_PROXY"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		isAny(err, syscall.ECONNRESET, syscall.EPIPE, 10053, 10054):
		return Cause{Closed, host + " closed the connection before its answer was complete", "try again"}
	}
	return Cause{Other, host + ": " + clip(bare(err)), ""}
}

// isAny reports whether an error is one of the system's. Those of Windows Sockets
// go by their numbers, which no other system uses.
func isAny(err error, numbers ...syscall.Errno) bool {
	return slices.ContainsFunc(numbers, func(n syscall.Errno) bool { return errors.Is(err, n) })
}

func ofName(err error, host string) (Cause, bool) {
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		return Cause{}, false
	}
	name := clip(dns.Name)
	if name == "" {
		name = host
	}
	switch {
	case dns.IsTimeout:
		return Cause{NoName, "the name server does not answer for " + name, "is the network up?"}, true
	case dns.IsNotFound:
		return Cause{NoHost, "there is no host " + name, "check the spelling, and whether a VPN is needed to reach it"}, true
	}
	return Cause{NoName, "the name " + name + " could not be looked up", "is the network up?"}, true
}

func ofTLS(err error, host string) (Cause, bool) {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		verify  *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		op      *net.OpError
	)
	switch {
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return Cause{NotTLS, host + " does not speak TLS", "is the port right? Is it an http:// address?"}, true
	case errors.As(err, &unknown):
		signer := "somebody"
		if errors.As(err, &verify) && len(verify.UnverifiedCertificates) > 0 {
			signer = Signer(verify.UnverifiedCertificates)
		}
		return Cause{
			Untrusted, "the certificate of " + host + " is by " + signer + ", who is not trusted here",
			"if that is a proxy of your network or a server of your own, trust its certificate: ca_file in your own settings, or GATEPASS_CA_FILE",
		}, true
	case errors.As(err, &name):
		return Cause{OtherName, "the certificate of " + host + " is for another name", "it is for " + strings.Join(names(name.Certificate), ", ")}, true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Cause{
			WrongTime, "the certificate of " + host + " has expired or is not valid yet",
			"it is valid from " + invalid.Cert.NotBefore.Format("2006-01-02") + " to " + invalid.Cert.NotAfter.Format("2006-01-02") + ": is this machine's clock right?",
		}, true
	case errors.As(err, &verify):
		return Cause{BadCertificate, "the certificate of " + host + " is not valid: " + clip(verify.Err.Error()), "check the address and this machine's clock"}, true
	case errors.As(err, &alert):
		return Cause{NoHandshake, host + " breaks off the TLS handshake: " + alert.Error(), ""}, true
	case errors.As(err, &op) && op.Op == "remote error": // as crypto/tls passes alerts on
		return Cause{
			NoHandshake, host + " breaks off TLS: " + strings.TrimPrefix(op.Err.Error(), "tls: "),
			"it may want a certificate of the client, which is not sent, or speak only what is older than TLS 1.2",
		}, true
	}
	return Cause{}, false
}

// Signer names who stands at the end of the chain that a server sent, in quotes.
func Signer(chain []*x509.Certificate) string {
	n := chain[len(chain)-1].Issuer
	switch {
	case n.CommonName != "":
		return strconv.Quote(clip(n.CommonName))
	case len(n.Organization) > 0:
		return strconv.Quote(clip(n.Organization[0]))
	}
	return "somebody without a name"
}

// names are the names a certificate is for, a few of them.
func names(c *x509.Certificate) []string {
	const most = 5
	var list []string
	for _, n := range c.DNSNames {
		list = append(list, clip(n))
	}
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	switch {
	case len(list) == 0:
		return []string{"no name at all"}
	case len(list) > most:
		return append(list[:most], "…")
	}
	return list
}

// bare is an error without what the client says around it: where it was, and a URL
// that may have a secret in its query.
func bare(err error) string {
	var u *url.Error
	var op *net.OpError
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	return err.Error()
}

// clip cuts text from outside to a length that fits an error message.
func clip(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
