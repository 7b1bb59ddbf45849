package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"

	"gatepass/pkg/fault"
)

// makePrivateDir makes a folder that this user alone can look into. What is made in
// it inherits its access list, which inherits nothing. A folder that is there
// already stays as it is.
func makePrivateDir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return err
	}
	sa, err := mine("OICI")
	if err != nil {
		return err
	}
	err = windows.CreateDirectory(path, sa)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	return nil
}

// createPrivate makes a file that nobody else has and this user alone can read.
func createPrivate(name string) (*os.File, error) {
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	sa, err := mine("")
	if err != nil {
		return nil, err
	}
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE
	h, err := windows.CreateFile(path, windows.GENERIC_WRITE, share, sa, windows.CREATE_NEW, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(h), name), nil
}

// mine is what a new file or folder is given: this user as its owner, whom a process
// of an administrator's would not be by default, and a list that inherits nothing (P)
// and allows this user everything. The flags say who inherits from it.
func mine(flags string) (*windows.SecurityAttributes, error) {
	me, err := currentUser()
	if err != nil {
		return nil, err
	}
	sd, err := windows.SecurityDescriptorFromString("O:" + me.String() + "D:P(A;" + flags + ";FA;;;" + me.String() + ")")
	if err != nil {
		return nil, err
	}
	sa := &windows.SecurityAttributes{SecurityDescriptor: sd}
	sa.Length = uint32(unsafe.Sizeof(*sa))
	return sa, nil
}

// openNoFollow opens a file for reading, unless it is a symbolic link.
func openNoFollow(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Failed, "it is no ordinary file")
	}
	return os.Open(path)
}

// checkPrivate refuses what belongs to, or is open to, somebody else. Of an open
// file it is looked at through its handle. The administrators and the system are
// nobody else: nothing keeps them out.
func checkPrivate(path string, f *os.File, _ fs.FileInfo, _ fs.FileMode) error {
	const wanted = windows.OWNER_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION
	var sd *windows.SECURITY_DESCRIPTOR
	var err error
	if f != nil {
		sd, err = windows.GetSecurityInfo(windows.Handle(f.Fd()), windows.SE_FILE_OBJECT, wanted)
	} else {
		sd, err = windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, wanted)
	}
	if err != nil {
		return fault.New(fault.Failed, "the access list of %s cannot be read: %w", path, err)
	}
	me, err := currentUser()
	if err != nil {
		return fault.New(fault.Failed, "who runs this cannot be found out: %w", err)
	}
	owner, _, err := sd.Owner()
	if err != nil || owner == nil || !trusted(owner, me) {
		return fault.New(fault.Failed, "%s belongs to another user (%s)", path, owner).
			WithHint("tokens are kept in files of your own only; remove it")
	}
	who, err := openTo(sd, me)
	if err != nil {
		return fault.New(fault.Failed, "the access list of %s cannot be read: %w", path, err)
	}
	if who == "" {
		return nil
	}
	return fault.New(fault.Failed, "%s is open to other users (%s)", path, who).
		WithHint(`if nobody has used it: icacls "%s" /inheritance:r /grant:r *%s:(OI)(CI)F /T   otherwise log out, and in again`, path, me)
}

// openTo names somebody else whom an access list allows anything; empty if there is
// nobody.
func openTo(sd *windows.SECURITY_DESCRIPTOR, me *windows.SID) (string, error) {
	acl, _, err := sd.DACL()
	switch {
	case errors.Is(err, windows.ERROR_OBJECT_NOT_FOUND), err == nil && acl == nil:
		return "everybody", nil // without a list everything is allowed
	case err != nil:
		return "", err
	}
	for i := range uint32(acl.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(acl, i, &ace); err != nil {
			return "", err
		}
		switch ace.Header.AceType {
		case windows.ACCESS_DENIED_ACE_TYPE:
			continue
		case windows.ACCESS_ALLOWED_ACE_TYPE:
		default:
			return "by an entry of another type", nil
		}
		//nolint:gosec // G103: the identifier begins in this member and goes on behind the struct
		sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart))
		if ace.Mask != 0 && !trusted(sid, me) {
			return nameOf(sid), nil
		}
	}
	return "", nil
}

// trusted reports whether an identifier is this user, or somebody whom no access
// list keeps out, or the owner of a file, who is looked at for itself.
func trusted(sid, me *windows.SID) bool {
	return sid.Equals(me) || sid.IsWellKnown(windows.WinBuiltinAdministratorsSid) || sid.IsWellKnown(windows.WinLocalSystemSid) ||
		sid.IsWellKnown(windows.WinCreatorOwnerSid) || sid.IsWellKnown(windows.WinCreatorOwnerRightsSid)
}

func nameOf(sid *windows.SID) string {
	account, domain, _, err := sid.LookupAccount("")
	switch {
	case err != nil:
		return sid.String()
	case domain == "":
		return account
	}
	return domain + `\` + account
}

// currentUser is who runs this process.
func currentUser() (*windows.SID, error) {
	u, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, err
	}
	return u.User.Sid, nil
}

// syncDir does nothing: folders cannot be synced here.
func syncDir(string) {}
