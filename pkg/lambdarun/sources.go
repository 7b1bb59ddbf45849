package lambdarun

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxSources is how many files beside a handler are looked at.
const maxSources = 500

// sources are the files whose change restarts the processes: the handler, and the
// code and data beside it. An executable stands for itself.
func (h *handler) sources() []string {
	if h.language == executable {
		return []string{h.file}
	}
	list := []string{h.file}
	dir := filepath.Dir(h.file)
	entries, _ := os.ReadDir(dir) // of what cannot be read no change is seen
	for _, e := range entries {
		if len(list) < maxSources && !e.IsDir() && isSource(e.Name()) && e.Name() != filepath.Base(h.file) {
			list = append(list, filepath.Join(dir, e.Name()))
		}
	}
	return list
}

func isSource(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".js", ".cjs", ".mjs", ".json", ".py":
		return true
	}
	return false
}

// fresh is for how long the sources are not looked at again: under load, looking at
// them would take as long as an event does.
const fresh = 10 * time.Millisecond

// state is the state of the sources now, or a moment ago.
func (f *Function) state() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.seen) > fresh {
		f.files, f.seen = f.handler.state(), time.Now()
	}
	return f.files
}

// state changes whenever one of the sources does, as far as sizes and times tell.
func (h *handler) state() string {
	var b strings.Builder
	for _, file := range h.sources() {
		if info, err := os.Stat(file); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", info.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}
