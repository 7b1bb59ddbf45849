package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

// listOf is the access list of a file or folder.
func listOf(t *testing.T, path string) *windows.SECURITY_DESCRIPTOR {
	t.Helper()
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		t.Fatal(err)
	}
	return sd
}

// letIn allows somebody, by an alias of SDDL, to read a file or folder.
func letIn(t *testing.T, path, who string) {
	t.Helper()
	me, err := currentUser()
	if err != nil {
		t.Fatal(err)
	}
	sd, err := windows.SecurityDescriptorFromString("D:P(A;OICI;FA;;;" + me.String() + ")(A;OICI;FR;;;" + who + ")")
	if err != nil {
		t.Fatal(err)
	}
	acl, _, err := sd.DACL()
	if err != nil {
		t.Fatal(err)
	}
	if err := windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, acl, nil); err != nil {
		t.Fatal(err)
	}
}

// A folder of ours lets nobody else in, and neither do files made in it.
func TestAccessList(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gatepass", "tokens")
	if err := makePrivateDir(dir); err != nil {
		t.Fatal(err)
	}
	if err := makePrivateDir(dir); err != nil {
		t.Errorf("once more: %v", err)
	}
	file := filepath.Join(dir, "x.json")
	f, err := createPrivate(file)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := createPrivate(file); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that is there: %v", err)
	}
	me, err := currentUser()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, file} {
		sd := listOf(t, path)
		if who, err := openTo(sd, me); err != nil || who != "" {
			t.Errorf("%s is open to %q, %v: %s", path, who, err, sd)
		}
	}
	if err := checkPrivate(dir, nil, nil, 0); err != nil {
		t.Error(err)
	}
	if _, err := readPrivate(file); err != nil {
		t.Error(err)
	}
	letIn(t, file, "WD")
	if _, err := readPrivate(file); err == nil || !strings.Contains(err.Error(), "open to other users") {
		t.Errorf("open to everybody: %v", err)
	}
	letIn(t, dir, "WD")
	if err := checkPrivate(dir, nil, nil, 0); err == nil {
		t.Error("a folder that is open to everybody is used")
	}
}

func TestOpenTo(t *testing.T) {
	me, err := currentUser()
	if err != nil {
		t.Fatal(err)
	}
	own := "(A;;FA;;;" + me.String() + ")"
	for list, open := range map[string]bool{
		"D:P" + own:                               false,
		"D:" + own + "(A;;FA;;;SY)":               false,
		"D:" + own + "(A;;FA;;;BA)":               false,
		"D:" + own + "(D;;FA;;;WD)":               false, // a refusal lets nobody in
		"D:" + own + "(A;OICIIO;FA;;;CO)":         false,
		"D:" + own + "(A;;FR;;;WD)":               true,
		"D:" + own + "(A;;FX;;;BU)":               true,
		"D:" + own + "(A;;FW;;;AU)":               true,
		"D:" + own + "(A;;FA;;;S-1-5-21-1-2-3-4)": true,
		"D:P":              false, // nobody at all
		"O:" + me.String(): true,  // no list at all
	} {
		sd, err := windows.SecurityDescriptorFromString(list)
		if err != nil {
			t.Fatalf("%s: %v", list, err)
		}
		if who, err := openTo(sd, me); err != nil || open != (who != "") {
			t.Errorf("%s is open to %q, %v", list, who, err)
		}
	}
}
