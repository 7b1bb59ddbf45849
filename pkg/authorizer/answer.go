package authorizer

import (
	"bytes"
	"encoding/json"
)

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
