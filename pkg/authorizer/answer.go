package authorizer

import (
	"bytes"
	"encoding/json"

	"gatepass/pkg/apigw"
	"gatepass/pkg/policy"
)

// answer is what the authorizer says: a document, or the message it fails with.
type answer struct {
	document []byte
	message  string
}

// returned is the answer with a policy, in the form of API Gateway: principalId,
// policyDocument and context.
func returned(principal string, doc *policy.Document, context contextValues) (answer, error) {
	document, err := plain(struct {
		PrincipalID string           `json:"principalId"`
		Policy      *policy.Document `json:"policyDocument"`
		Context     contextValues    `json:"context,omitempty"`
	}{principal, doc, context})
	return answer{document: document}, err
}

// output is the answer as the gateway's side takes it.
func output(a answer, t Trace) (apigw.Output, Trace) {
	if a.document == nil {
		return apigw.ErrorOutput(a.message), t
	}
	return apigw.ResultOutput(a.document), t
}

// contextValue is one key of the context.
type contextValue struct {
	key   string
	value value
}

// contextValues are the context as one object, in the order of the file.
type contextValues []contextValue

// MarshalJSON prints the object.
func (list contextValues) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, c := range list {
		if i > 0 {
			b = append(b, ',')
		}
		key, err := plain(c.key)
		if err != nil {
			return nil, err
		}
		text, err := plain(c.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, key...), ':'), text...)
	}
	return append(b, '}'), nil
}

// plain is json.Marshal that leaves <, > and & alone: nobody reads this as HTML.
func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), err
}
