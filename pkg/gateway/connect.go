package gateway

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // RFC 6455 section 4.2.2 asks for it; nothing rests on it
	"encoding/base64"
	"net"
	"net/http"
	"strings"

	"gatepass/pkg/apigw"
)

// handshake reports whether a request to a WebSocket API asks for a connection, and
// answers it otherwise. What API Gateway says to a request that is no upgrade, or a
// broken one, was not found: these are the answers of RFC 6455 sections 4.2 and 4.4
// and RFC 9110 section 15.5.22 (inferred).
func (x *exchange) handshake(r *http.Request) bool {
	h := r.Header
	switch {
	case !hasToken(h["Upgrade"], "websocket") || !hasToken(h["Connection"], "upgrade"):
		x.noUpgrade(r, http.StatusUpgradeRequired, "Upgrade Required", "no WebSocket upgrade, which is all that a WebSocket API serves")
	case strings.Join(h["Sec-Websocket-Version"], ",") != "13":
		x.noUpgrade(r, http.StatusUpgradeRequired, "Upgrade Required", "a version of WebSocket other than 13")
	case r.Method != http.MethodGet || !r.ProtoAtLeast(1, 1) || r.ProtoMajor != 1 || r.ContentLength != 0 || !isKey(h["Sec-Websocket-Key"]):
		x.noUpgrade(r, http.StatusBadRequest, "Bad Request", "a WebSocket upgrade that is not one: want GET with HTTP/1.1, no body and a Sec-WebSocket-Key of 16 bytes")
	default:
		return true
	}
	return false
}

// noUpgrade answers what is no upgrade.
func (x *exchange) noUpgrade(r *http.Request, status int, message, reason string) {
	h := x.w.Header()
	if status == http.StatusUpgradeRequired {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
		h["Sec-WebSocket-Version"] = []string{"13"}
	}
	h["Content-Type"] = []string{"application/json"}
	x.identify(h)
	x.rec.Status, x.rec.Reason = status, reason+" (inferred: what API Gateway answers is not documented)"
	x.write(r.Method, status, `{"message":"`+message+`"}`)
}

// hasToken looks for a word in the comma-separated lists of a header, without
// regard to case.
func hasToken(lists []string, want string) bool {
	for _, list := range lists {
		for word := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.Trim(word, " \t"), want) {
				return true
			}
		}
	}
	return false
}

// isKey reports whether a Sec-WebSocket-Key is there once and names 16 bytes.
func isKey(values []string) bool {
	if len(values) != 1 {
		return false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(values[0])
	return err == nil && len(b) == 16
}

// acceptKey proves that a handshake was read (RFC 6455 section 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see the import
	return base64.StdEncoding.EncodeToString(sum[:])
}

// subprotocol is the protocol that the echo backend speaks: the first that the
// client offers, if any, because browsers give up where none of theirs is chosen.
func subprotocol(h http.Header) string {
	word, _, _ := strings.Cut(strings.Join(h["Sec-Websocket-Protocol"], ","), ",")
	word = strings.Trim(word, " \t")
	for i := range len(word) {
		if c := word[i]; c <= ' ' || c > '~' || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return ""
		}
	}
	return word
}

// upgraded tells of the request when its connection is handed over: a connection
// lasts for hours, and nobody wants to hear of it only then.
type upgraded struct {
	http.ResponseWriter
	g *gateway
	x *exchange
}

// Unwrap is for http.ResponseController.
func (u *upgraded) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// Hijack takes the connection over.
func (u *upgraded) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err == nil {
		u.x.rec.Status = http.StatusSwitchingProtocols
		u.g.done(u.x)
	}
	return c, rw, err
}

// hasIAM reports whether a route of an API asks for AWS signatures.
func hasIAM(api *apigw.API) bool {
	iam := func(a *apigw.Authorizer) bool { return a != nil && a.Type == apigw.AuthIAM }
	for i := range api.Routes {
		if iam(api.Routes[i].Authorizer) {
			return true
		}
	}
	return api.Routes == nil && iam(api.Default.Authorizer)
}
