package caller_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
)

// A full disk is named, and what was there stays.
func TestSaveOnAFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full here")
	}
	_ = full.Close()
	_, err = caller.Save("/dev/full", strings.NewReader("x"))
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Failed || f.Msg != "/dev/full cannot be written: no space left on device" {
		t.Error(err)
	}
}

func TestCanSave(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file: "", filepath.Join(dir, "new"): "", dir: "is a folder",
		filepath.Join(dir, "none", "x"): "there is no folder", filepath.Join(file, "x"): "is no folder",
	} {
		err := caller.CanSave(path)
		var f *fault.Error
		if (want == "") != (err == nil) || want != "" && (!errors.As(err, &f) || f.Kind != fault.Usage || !strings.Contains(f.Msg, want)) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
		if want == "" {
			if _, err := caller.Save(path, strings.NewReader("x")); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestSaveWithoutPermission(t *testing.T) {
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		t.Skip("everything is permitted here")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := caller.Save(filepath.Join(dir, "x"), strings.NewReader("x")); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}

func TestMeter(t *testing.T) {
	var m caller.Meter
	if _, err := io.Copy(io.Discard, m.Reader(iotest.HalfReader(strings.NewReader("12345")))); err != nil || m.Bytes() != 5 {
		t.Errorf("%d, %v", m.Bytes(), err)
	}
	body := m.Body(caller.Text("abc"))
	for range 2 { // it begins anew each time
		r, err := body.Open()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, r)
		if err := r.Close(); err != nil || m.Bytes() != 3 || body.Size != 3 {
			t.Errorf("%d, %v", m.Bytes(), err)
		}
	}
	if b := m.Body(caller.Body{}); b.Open != nil {
		t.Error("nothing became a body")
	}
}
