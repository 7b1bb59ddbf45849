package apigw

import (
	"gatepass/pkg/source"
)

// OutputKind is how an authorizer answered.
type OutputKind uint8

// The kinds of outputs.
const (
	// NotInvoked: the function could not be run at all: no permission, no such
	// function, a role that cannot be assumed. It is the zero value.
	NotInvoked OutputKind = iota
	// Returned: the function returned a JSON document.
	Returned
	// Failed: the function ended with an error message.
	Failed
	// Checked: a token was looked at, for JWT and COGNITO_USER_POOLS.
	Checked
)

// Output is what an authorizer said.
type Output struct {
	Kind OutputKind
	// Value is the document of Returned, Text the same as text. A nil Value with
	// text is text that is no JSON.
	Value *source.Node
	Text  string
	// Message is the error message of Failed, or the reason of NotInvoked.
	Message string
	// Called says of NotInvoked that the function did start, as when it ran out of
	// time.
	Called bool
	// Token is what was found out about the token, of Checked.
	Token TokenVerdict
}

// ResultOutput is the output of a function that returned a document.
func ResultOutput(doc []byte) Output {
	n, err := source.JSON("the authorizer's answer", doc)
	o := Output{Kind: Returned, Value: n, Text: string(doc)}
	if err != nil {
		o.Value, o.Message = nil, err.Error()
	}
	return o
}

// ErrorOutput is the output of a function that ended with an error message. Only
// the message Unauthorized, exactly, makes a 401.
func ErrorOutput(message string) Output { return Output{Kind: Failed, Message: message} }

// NotInvokedOutput is the output of a function that could not be run.
func NotInvokedOutput(reason string) Output { return Output{Kind: NotInvoked, Message: reason} }

// TimeoutOutput is the output of a function that did not answer in time.
func TimeoutOutput(reason string) Output {
	return Output{Kind: NotInvoked, Message: reason, Called: true}
}

// TokenOutput is the output of a JWT or COGNITO_USER_POOLS authorizer.
func TokenOutput(v TokenVerdict) Output { return Output{Kind: Checked, Token: v} }

// KeyState says what came of looking for the key of a token.
type KeyState uint8

// The states.
const (
	KeyUnknown      KeyState = iota // no key of the issuer has the token's kid
	KeyFound                        // there is one
	KeysUnavailable                 // the issuer's keys could not be read
)

// TokenVerdict is what was found out about a token outside of this package, which
// has no keys. All else about it is decided here.
type TokenVerdict struct {
	// Malformed says why it is no JWT; empty when it is one.
	Malformed string
	// Header and Claims are the decoded parts.
	Header, Claims *source.Node
	// Key and Signature say whether there is a key with the token's kid and
	// whether the signature is right by it.
	Key       KeyState
	Signature bool
	// Assumed says why Key and Signature are taken for granted, as with made-up
	// claims. It goes into the trace.
	Assumed string
	// Detail is more about a key or signature that is not right.
	Detail string
}
