package login

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"strings"
	"sync"
	"time"

	"gatepass/pkg/fault"
)

// certificateLife is how long a certificate made on the spot is good: longer than
// anybody waits for a login, and not long enough to be worth keeping.
const certificateLife = 24 * time.Hour

// LoadCertificate reads a certificate with its chain, and its key, for https
// redirect URIs: PEM files as mkcert and openssl write them.
func LoadCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(certFile, keyFile)
	var path *fs.PathError
	switch {
	case errors.As(err, &path):
		return nil, fault.New(fault.Usage, "%s cannot be read: %w", path.Path, path.Err)
	case err != nil:
		return nil, fault.New(fault.Usage, "%s and %s are no certificate with its key: %s", certFile, keyFile, clip(err.Error())).
			WithHint("both are PEM files, such as those of: mkcert localhost 127.0.0.1 ::1")
	}
	return &c, nil
}

// NewCertificate makes a certificate for this machine, from a time on. Its key is in memory only
// and nobody has signed it, so a browser asks before it goes on. It is no
// authority: who trusts it trusts nothing else by it.
func NewCertificate(now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "gatepass login on this machine"},
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(certificateLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// Fingerprint is the SHA-256 of a certificate as browsers show it.
func Fingerprint(c *tls.Certificate) string {
	sum := sha256.Sum256(c.Certificate[0])
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// checkCertificate refuses a given certificate that no browser would take for the
// redirect URI.
func checkCertificate(c *tls.Certificate, host string, now time.Time) error {
	leaf := c.Leaf
	if leaf == nil {
		var err error
		if leaf, err = x509.ParseCertificate(c.Certificate[0]); err != nil {
			return fault.New(fault.Usage, "the certificate cannot be read: %w", err)
		}
	}
	const again = "make a new one, for example with: mkcert localhost 127.0.0.1 ::1"
	switch {
	case leaf.VerifyHostname(host) != nil:
		return fault.New(fault.Usage, "the certificate is not for %s, the host of the redirect URI", host).WithHint(again)
	case now.After(leaf.NotAfter):
		return fault.New(fault.Usage, "the certificate has expired, on %s", leaf.NotAfter.UTC().Format(time.DateOnly)).WithHint(again)
	case now.Before(leaf.NotBefore):
		return fault.New(fault.Usage, "the certificate is not valid before %s", leaf.NotBefore.UTC().Format(time.DateOnly)).
			WithHint("is this machine's clock right?")
	}
	return nil
}

// secured speaks TLS on a socket. Its connections do not look like TLS to the HTTP
// server, which would write a line on standard error for each that a browser
// gives up, as they do before they ask about a certificate.
type secured struct {
	net.Listener
	config *tls.Config
}

func secure(l net.Listener, c *tls.Certificate) net.Listener {
	return &secured{l, &tls.Config{
		Certificates: []tls.Certificate{*c}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	}}
}

// Accept waits for the next connection. The handshake is made when it is read
// from, under the server's time limits.
func (s *secured) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &plainTo{Conn: tls.Server(c, s.config), raw: c}, nil
}

// plainTo is a TLS connection that answers a browser which speaks no TLS.
type plainTo struct {
	net.Conn // TLS
	raw      net.Conn
	once     sync.Once
}

// Read reads what the browser said.
func (c *plainTo) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	var record tls.RecordHeaderError
	if errors.As(err, &record) && strings.HasPrefix(string(record.RecordHeader[:]), "GET ") {
		c.once.Do(func() {
			_, _ = c.raw.Write([]byte("HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThe redirect URI of this login is https.\n"))
		})
	}
	return n, err
}
