package lambdarun

import (
	"crypto/rand"
	_ "embed" // for the shims
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed shim/node.cjs
var nodeShim string

//go:embed shim/python.py
var pythonShim string

// shimName is the file of a shim. Node takes it for CommonJS by its name; Python does
// not care.
const shimName = "gatepass-shim.cjs"

// writeShim puts the shim of a language into a folder.
func writeShim(l language, dir string) error {
	text := nodeShim
	if l == python {
		text = pythonShim
	}
	return os.WriteFile(filepath.Join(dir, shimName), []byte(text), 0o600)
}

// arguments are what comes between the program and the shim.
func (h *handler) arguments(memory int) []string {
	if h.language == node {
		return []string{"--max-old-space-size=" + strconv.Itoa(memory)}
	}
	return []string{"-u"}
}

// greeting is the first thing that a shim reads.
func greeting(mark []byte, h *handler) []byte {
	line, _ := json.Marshal(map[string]string{ // strings cannot fail
		"mark": string(mark), "file": h.file, "root": h.root, "module": strings.ReplaceAll(h.module(), "/", "."), "name": h.export,
	})
	return append(line, '\n')
}

// newMark makes the text that tells an answer from console output.
func newMark() []byte {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return append([]byte{0x1e}, hex.EncodeToString(b[:])...)
}
