package view

import (
	"bytes"
	"encoding/json"

	"gatepass/pkg/policy"
)

// The answers to the lines of a batch are JSON objects of a line each, with the id
// of the question first. The id is JSON, or nil where the question has none.

// AppendAuthorize appends a verdict: the form of [AuthorizeJSON] with an id.
func AppendAuthorize(to []byte, id json.RawMessage, a *Authorize) ([]byte, error) {
	return appendLine(to, struct {
		ID json.RawMessage `json:"id"`
		authorizeForm
	}{id, a.form()})
}

// AppendQuestion appends the answer to a bare policy question.
func AppendQuestion(to []byte, id json.RawMessage, d policy.Decision) ([]byte, error) {
	return appendLine(to, struct {
		ID            json.RawMessage `json:"id"`
		SchemaVersion int             `json:"schemaVersion"`
		policy.Decision
	}{id, 1, d})
}

// Mistake is what is wrong with a line of a batch.
type Mistake struct {
	Kind    string `json:"kind"` // "policy": AWS would not accept it; otherwise the kind of a fault
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Line    int64  `json:"line"`             // of the batch, from 1
	Column  int    `json:"column,omitempty"` // from 1, in characters; 0: not one place
}

// AppendMistake appends what is wrong with a line.
func AppendMistake(to []byte, id json.RawMessage, m Mistake) ([]byte, error) {
	return appendLine(to, struct {
		ID            json.RawMessage `json:"id"`
		SchemaVersion int             `json:"schemaVersion"`
		Error         Mistake         `json:"error"`
	}{id, 1, m})
}

func appendLine(to []byte, v any) ([]byte, error) {
	b := bytes.NewBuffer(to)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return to, err
	}
	return b.Bytes(), nil
}
