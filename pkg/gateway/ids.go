package gateway

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"net/http"

	"gatepass/pkg/apigw"
)

// ids are what API Gateway calls a request.
type ids struct{ request, extended string }

// idBytes is how much randomness the ids of a request have, in bytes: 16 for the UUID,
// 11 for the extended one.
const idBytes = 27

// newIDs makes ids in the forms of API Gateway: a UUID, and what looks like 11
// bytes in base64.
func newIDs() ids {
	var b [idBytes]byte
	_, _ = rand.Read(b[:]) // never fails (package crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var u [36 + 16]byte
	hex.Encode(u[:8], b[:4])
	hex.Encode(u[9:13], b[4:6])
	hex.Encode(u[14:18], b[6:8])
	hex.Encode(u[19:23], b[8:10])
	hex.Encode(u[24:36], b[10:16])
	u[8], u[13], u[18], u[23] = '-', '-', '-', '-'
	base64.StdEncoding.Encode(u[36:], b[16:])
	both := string(u[:])
	return ids{both[:36], both[36:]}
}

// identify adds the ids that every answer of API Gateway has, in its spelling.
func (x *exchange) identify(h http.Header) {
	x.idValues = [2]string{x.ids.extended, x.ids.request}
	if x.kind == apigw.HTTP {
		h["apigw-requestid"] = x.idValues[:1:1]
		return
	}
	h["x-amz-apigw-id"] = x.idValues[:1:1]
	h["x-amzn-RequestId"] = x.idValues[1:2:2]
}
