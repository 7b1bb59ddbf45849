package idp

import (
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"gatepass/pkg/secret"
)

// credentials are how a request says which client it is from.
type credentials struct {
	method AuthMethod
	id     string
	secret string
}

// authenticate finds the client that sends a request. Each client has one method
// of authentication; any other is refused without saying which would have been
// right. The checks that are no plain invalid_client are inferred.
func (s *Server) authenticate(r *http.Request, form url.Values) (*Client, *protocolError) {
	c, oe := readCredentials(r, form)
	if oe != nil {
		return nil, oe
	}
	client := s.clients[c.id]
	if client == nil {
		s.tell("refused", &Client{ID: c.id}, nil, "there is no such client")
		return nil, clientFailed()
	}
	switch {
	case client.Auth != c.method:
		s.tell("refused", client, nil, "the client authenticates by %s, the request by %s", client.Auth, c.method)
		return nil, clientFailed()
	case client.Auth != AuthNone && !same(client.Secret, c.secret):
		s.tell("refused", client, nil, "wrong client secret")
		return nil, clientFailed()
	}
	return client, nil
}

// same compares in a time that does not depend on where the two differ.
func same(s secret.String, given string) bool {
	want := s.Reveal()
	return want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(given)) == 1
}

func readCredentials(r *http.Request, form url.Values) (credentials, *protocolError) {
	id, sec := form.Get("client_id"), form.Get("client_secret")
	header := r.Header.Get("Authorization")
	switch {
	case header == "" && id == "":
		return credentials{}, badRequest("no client authentication mechanism provided")
	case header == "" && sec == "":
		return credentials{AuthNone, id, ""}, nil
	case header == "":
		return credentials{AuthPost, id, sec}, nil
	}
	c, oe := readBasic(header)
	switch {
	case oe != nil:
		return c, oe
	case id != "" && id != c.id:
		return c, badRequest("mismatch in body and authorization client ids")
	case sec != "":
		return c, badRequest("client authentication must only be provided using one mechanism")
	}
	return c, nil
}

// readBasic reads client_secret_basic: both parts are form-encoded before they
// are joined (RFC 6749 section 2.3.1).
func readBasic(header string) (credentials, *protocolError) {
	malformed := badRequest("invalid authorization header value format")
	scheme, value, _ := strings.Cut(header, " ")
	data, err := base64.StdEncoding.DecodeString(value)
	if !strings.EqualFold(scheme, "Basic") || err != nil {
		return credentials{}, malformed
	}
	id, sec, ok := strings.Cut(string(data), ":")
	if !ok {
		return credentials{}, malformed
	}
	c := credentials{method: AuthBasic}
	var err1, err2 error
	c.id, err1 = url.QueryUnescape(id)
	c.secret, err2 = url.QueryUnescape(sec)
	if err1 != nil || err2 != nil {
		return credentials{}, badRequest("client_id and client_secret are not properly encoded")
	}
	return c, nil
}

// answer is what an endpoint for clients does with a request of one.
type answer func(client *Client, form url.Values) (object, *protocolError)

// api makes an endpoint for clients of an answer: a POST form in, JSON out.
func (s *Server) api(do answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		form, oe := readForm(r)
		if oe != nil {
			writeError(w, oe)
			return
		}
		client, oe := s.authenticate(r, form)
		if oe != nil {
			s.challenge(w, r, oe)
			return
		}
		o, oe := do(client, form)
		if oe != nil {
			s.tell("refused", client, nil, "%s: %s", r.URL.Path, oe)
			writeError(w, oe)
			return
		}
		writeJSON(w, http.StatusOK, o)
	}
}

// challenge refuses a client. One that came with an Authorization header is told
// the scheme (RFC 6749 section 5.2).
func (s *Server) challenge(w http.ResponseWriter, r *http.Request, oe *protocolError) {
	if oe.status == http.StatusUnauthorized && r.Header.Get("Authorization") != "" {
		w.Header().Set("WWW-Authenticate", s.authenticateHeader("Basic", oe))
	}
	writeError(w, oe)
}

// authenticateHeader is a WWW-Authenticate value. The parts are constants of this
// package and the issuer, none of which holds a quotation mark.
func (s *Server) authenticateHeader(scheme string, oe *protocolError) string {
	return scheme + ` realm="` + s.issuer + `", error="` + oe.code + `", error_description="` + oe.description + `"`
}
