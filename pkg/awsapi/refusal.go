package awsapi

import (
	"encoding/json"
	"net/http"
	"strings"

	"gatepass/pkg/fault"
)

// Refusal is what a service says against a request. It is the cause of the
// *fault.Error that methods of [Client] return.
type Refusal struct {
	Status int
	Code   string // AccessDeniedException, NoSuchKey …; empty when it does not say
	Text   string // in the words of the service
}

// Error is code and text.
func (e *Refusal) Error() string { return e.Code + ": " + e.Text }

// refused makes an error of an answer that is none of success.
func refused(k call, r reply) error {
	e := readRefusal(r)
	f := &fault.Error{Kind: fault.Failed, Err: e}
	switch code := e.Code; {
	case isDenied(e):
		f.Msg = "AWS does not allow " + k.action + " on " + k.resource
		f.Hint = "the role or user needs the permission " + k.action + " for it"
	case isMissing(e):
		f.Kind, f.Msg = fault.Usage, k.resource+" does not exist, or not in this region and account ("+clip(code)+")"
		f.Hint = "check the name and the region; without the permission to list, S3 calls what is missing not allowed"
	case code == "ExpiredTokenException", code == "ExpiredToken", code == "InvalidClientTokenId", code == "UnrecognizedClientException",
		code == "InvalidAccessKeyId", code == "SignatureDoesNotMatch", code == "InvalidSignatureException":
		f.Msg = "AWS does not take the credentials (" + clip(code) + ")"
		f.Hint = "log in again with the AWS CLI, or check the keys and the clock of this machine"
	case r.status/100 == 3:
		f.Kind, f.Msg = fault.Usage, k.resource+" is in another region"
	default:
		f.Kind, f.Msg = fault.Network, "AWS answered "+k.action+" with "+http.StatusText(r.status)
		if code != "" {
			f.Msg += " (" + clip(code) + ": " + clip(e.Text) + ")"
		}
	}
	return f
}

func isDenied(e *Refusal) bool {
	return strings.HasPrefix(e.Code, "AccessDenied") || e.Status == http.StatusForbidden && e.Code == ""
}

func isMissing(e *Refusal) bool {
	switch e.Code {
	case "NoSuchKey", "NoSuchBucket", "ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFoundException":
		return true
	}
	return e.Status == http.StatusNotFound
}

// throttled reports answers that ask to try again, which some services send with
// the status 400.
func throttled(r reply) bool {
	if r.status/100 == 2 {
		return false
	}
	switch readRefusal(r).Code {
	case "ThrottlingException", "TooManyRequestsException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "SlowDown":
		return true
	}
	return false
}

// readRefusal reads an error in the forms of the services: JSON with __type or a
// header with the type, and S3's XML.
func readRefusal(r reply) *Refusal {
	e := &Refusal{Status: r.status}
	var doc struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // in any case: Lambda writes Message
	}
	if json.Unmarshal(r.body, &doc) == nil {
		e.Code, e.Text = doc.Type, doc.Message
	} else {
		e.Code, e.Text = element(r.body, "Code"), element(r.body, "Message")
	}
	if h := r.header.Get("X-Amzn-Errortype"); h != "" {
		e.Code = h
	}
	// com.amazonaws.ssm#ParameterNotFound; AccessDeniedException:http://…
	if i := strings.LastIndexByte(e.Code, '#'); i >= 0 {
		e.Code = e.Code[i+1:]
	}
	e.Code, _, _ = strings.Cut(e.Code, ":")
	e.Text = clip(e.Text)
	return e
}

// element is the text of an element of a small XML document. It is for people: what
// is escaped in it stays so.
func element(doc []byte, name string) string {
	_, rest, _ := strings.Cut(string(doc[:min(len(doc), 4<<10)]), "<"+name+">")
	text, _, _ := strings.Cut(rest, "</"+name+">")
	return text
}
