package caller

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"

	"gatepass/pkg/fault"
)

// explain says why there is no answer.
func (x *exchange) explain(err error, req *http.Request) error {
	if done := x.ended("no answer"); done != nil {
		return done
	}
	return x.network(err, req, "closed the connection without an answer")
}

// explainBody says why an answer breaks off.
func (x *exchange) explainBody(err error, req *http.Request) error {
	if done := x.ended("the answer was not complete"); done != nil {
		return done
	}
	return x.network(err, req, "broke the answer off")
}

// ended says why the exchange was ended from this side, or nil.
func (x *exchange) ended(what string) error {
	switch cause := context.Cause(x.ctx); {
	case cause == nil:
		return nil
	case errors.Is(cause, errIdle):
		return fault.New(fault.Network, "%s: nothing has moved for %s", what, x.o.Idle)
	case errors.Is(cause, errLimit):
		return fault.New(fault.Network, "%s within %s", what, x.o.Timeout).WithHint("--timeout gives it longer")
	case errors.Is(cause, errDone):
		return fault.New(fault.Network, "%s", what)
	}
	return x.ctx.Err() // the caller's own
}

// network tells errors of the network apart.
func (x *exchange) network(err error, req *http.Request, closed string) error {
	host := req.URL.Host
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "proxyconnect" {
		host = "the proxy"
	}
	if e := nameError(err, req.URL.Hostname()); e != nil {
		return e
	}
	if e := tlsError(err, req.URL.Host); e != nil {
		return e
	}
	var timeout net.Error
	switch {
	case isAny(err, syscall.ECONNREFUSED, 10061):
		return fault.New(fault.Network, "%s refuses connections: nothing listens there", host).WithHint("is the address right, and is it running?")
	case isAny(err, syscall.ENETUNREACH, syscall.EHOSTUNREACH, 10051, 10065):
		return fault.New(fault.Network, "there is no way to %s from here", host).WithHint("is the network up, and the VPN where one is needed?")
	case errors.As(err, &timeout) && timeout.Timeout():
		return fault.New(fault.Network, "%s could not be reached within %s", host, x.o.Connect)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		isAny(err, syscall.ECONNRESET, syscall.EPIPE, 10053, 10054):
		return fault.New(fault.Network, "%s %s", host, closed)
	}
	// What is left says what was wrong with what the server sent, and may quote it.
	return fault.New(fault.Network, "%s: %s", host, x.clean(short(err.Error())))
}

// isAny reports whether an error is one of the system's. Those of Windows Sockets
// go by their numbers, which no other system uses.
func isAny(err error, numbers ...syscall.Errno) bool {
	return slices.ContainsFunc(numbers, func(n syscall.Errno) bool { return errors.Is(err, n) })
}

// short cuts what a server may have made long.
func short(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

func nameError(err error, host string) error {
	var dns *net.DNSError
	switch {
	case !errors.As(err, &dns):
		return nil
	case dns.IsNotFound:
		return fault.New(fault.Network, "there is no host %s", dnsName(dns, host)).
			WithHint("is the name spelt right, and is the VPN up where one is needed?")
	case dns.IsTimeout:
		return fault.New(fault.Network, "the name server does not answer for %s", dnsName(dns, host))
	}
	return fault.New(fault.Network, "the name %s could not be looked up", dnsName(dns, host))
}

func dnsName(dns *net.DNSError, host string) string {
	if dns.Name != "" {
		return dns.Name
	}
	return host
}

func tlsError(err error, host string) error {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		verify  *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		alert   tls.AlertError
	)
	switch {
	case errors.As(err, &unknown):
		issuer := "somebody"
		if errors.As(err, &verify) && len(verify.UnverifiedCertificates) > 0 {
			issuer = issuerOf(verify.UnverifiedCertificates)
		}
		return fault.New(fault.Network, "the certificate of %s is by %s, who is not trusted here", host, issuer).
			WithHint("if that is a proxy of your company or a server of your own, trust its certificate: --cacert FILE")
	case errors.As(err, &name):
		return fault.New(fault.Network, "the certificate of %s is for another name", host).
			WithHint("it is for %s", strings.Join(names(name.Certificate), ", "))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fault.New(fault.Network, "the certificate of %s has expired or is not valid yet", host).WithHint("is this machine's clock right?")
	case errors.As(err, &verify):
		return fault.New(fault.Network, "the certificate of %s is not valid: %s", host, short(verify.Err.Error()))
	case errors.As(err, &record):
		return fault.New(fault.Network, "%s does not speak TLS", host).WithHint("is it http:// in place of https://?")
	case errors.As(err, &alert):
		return fault.New(fault.Network, "%s breaks off the TLS handshake: %s", host, alert.Error())
	}
	return nil
}

// issuerOf names who stands at the end of the chain a server sent.
func issuerOf(chain []*x509.Certificate) string {
	n := chain[len(chain)-1].Issuer
	switch {
	case n.CommonName != "":
		return `"` + short(n.CommonName) + `"`
	case len(n.Organization) > 0:
		return `"` + short(n.Organization[0]) + `"`
	}
	return "somebody without a name"
}

// names are the names a certificate is for.
func names(c *x509.Certificate) []string {
	list := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	switch {
	case len(list) == 0:
		return []string{"no name at all"}
	case len(list) > 5:
		return append(list[:5], "…")
	}
	return list
}
