package verify_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/token"
	"gatepass/pkg/verify"
)

var vectors = flag.String("vectors", "", "`folder` of published JOSE vectors, index.jsonl and others in one form")

// vector is one line of the files: a token, a key and what a verifier is to say.
type vector struct {
	ID            string          `json:"id"`
	Kind          string          `json:"kind"`
	Serialization string          `json:"serialization"`
	Token         json.RawMessage `json:"token"`
	Key           json.RawMessage `json:"key"`
	Expect        string          `json:"expect"`
	Claims        bool            `json:"claims"`
	Firm          string          `json:"firm"`
	Expired       bool            `json:"expired"`
	NotYet        bool            `json:"not_yet"`
	Detached      json.RawMessage `json:"detached"`
}

// vectorTime is the time the vectors are checked at: after the RFCs' own tokens
// have expired, and before the made ones do.
var vectorTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// TestVectors runs published vectors that are kept elsewhere, and prints how many
// of each kind there were (DIR must be absolute: tests run in their own folder):
//
//	go test -v ./pkg/verify -run Vectors -args -vectors DIR
func TestVectors(t *testing.T) {
	if *vectors == "" {
		t.Skip("no vectors: give their folder with -args -vectors DIR")
	}
	files, err := filepath.Glob(filepath.Join(*vectors, "*.jsonl"))
	if len(files) == 0 { // named as seen from the root of the module
		files, err = filepath.Glob(filepath.Join("..", "..", *vectors, "*.jsonl"))
	}
	if err != nil || len(files) == 0 {
		t.Fatalf("no *.jsonl in %s (%v)", *vectors, err)
	}
	counts := map[string]int{}
	for _, name := range files {
		for _, v := range readVectors(t, name) {
			counts[v.Kind+" "+v.Serialization+" "+v.run(t)]++
		}
	}
	var lines []string
	for k, n := range counts {
		lines = append(lines, fmt.Sprintf("%5d %s", n, k))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[6:], b[6:]) })
	fmt.Printf("vectors of %s:\n%s\n", strings.Join(files, ", "), strings.Join(lines, "\n"))
	if counts["jws compact right"] < 600 {
		t.Errorf("only %d compact JWS ran: are the vectors complete?", counts["jws compact right"])
	}
}

func readVectors(t *testing.T, name string) []vector {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []vector
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var v vector
		if err := json.Unmarshal(in.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		list = append(list, v)
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// run checks one vector and returns a word for the count.
func (v *vector) run(t *testing.T) string {
	text := string(v.Token)
	var raw string
	if json.Unmarshal(v.Token, &raw) == nil {
		text = raw
	}
	switch {
	case v.Serialization == "json":
		if f, err := token.Find(text); err == nil {
			t.Errorf("%s: found %s in a JSON serialization", v.ID, f.Where)
			return "WRONG"
		}
		return "said to be no JWT"
	case v.Kind == "jwe":
		return v.runJWE(t, text)
	}
	signed, full := v.check(t, text, true), v.check(t, text, false)
	if v.Detached != nil && !signed && !full {
		return "refused: the payload travels apart"
	}
	wantSigned := v.Expect == "valid"
	wantFull := wantSigned && v.Claims && !v.Expired && !v.NotYet
	switch {
	case v.Expect == "either" && !full:
		return "right"
	case v.Firm != "must" && signed == wantSigned:
		return v.Firm + ", as its origin says"
	case v.Firm != "must":
		return v.Firm + ", not as its origin says"
	case signed != wantSigned:
		t.Errorf("%s: signature alone: %v, want %v", v.ID, signed, wantSigned)
	case full != wantFull:
		t.Errorf("%s: in full: %v, want %v", v.ID, full, wantFull)
	default:
		return "right"
	}
	return "WRONG"
}

// runJWE wants a JWE to be named for what it is, or refused in one line.
func (v *vector) runJWE(t *testing.T, text string) string {
	tok, err := token.Decode(text)
	switch {
	case err != nil && !strings.Contains(err.Error(), "\n"):
		return "refused as malformed"
	case err == nil && tok.Kind == token.JWE:
		return "said to be encrypted"
	case err == nil && tok.Kind == token.Opaque && v.Expect == "invalid":
		return "not recognised, and invalid"
	}
	t.Errorf("%s: %v %v", v.ID, tok, err)
	return "WRONG"
}

// check verifies a token with the vector's key.
func (v *vector) check(t *testing.T, text string, signatureOnly bool) bool {
	tok, err := token.Decode(text)
	if err != nil {
		return false
	}
	set, err := verify.ParseKeySet(v.ID, v.Key)
	if err != nil {
		return false
	}
	r, err := verify.Verify(t.Context(), tok, token.Expect{
		Algorithms: verify.Algorithms(), Now: vectorTime, SignatureOnly: signatureOnly,
	}, set)
	if err != nil {
		t.Errorf("%s: %v", v.ID, err)
	}
	_, ok := r.Verified()
	return ok
}
