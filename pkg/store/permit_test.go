package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"gatepass/pkg/fault"
	"gatepass/pkg/store"
)

// What is permitted is remembered, whoever says so at the same time, and for that
// issuer alone.
func TestPermit(t *testing.T) {
	s := newStore(t)
	const issuer = "https://acme.onelogin.com/oidc/2"
	if ok, err := s.Permitted(issuer); ok || err != nil {
		t.Errorf("before anybody said so: %v %v", ok, err)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := (&store.Files{Dir: s.Dir}).Permit(t.Context(), fmt.Sprintf("%s/%d", issuer, i/2)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range 10 {
		if ok, err := s.Permitted(fmt.Sprintf("%s/%d", issuer, i)); !ok || err != nil {
			t.Errorf("%d: %v %v", i, ok, err)
		}
	}
	if ok, err := s.Permitted(issuer); ok || err != nil {
		t.Errorf("another issuer: %v %v", ok, err)
	}
	// A list that grows for ever is not kept.
	for i := range 300 {
		if err := s.Permit(t.Context(), fmt.Sprint("https://", i, ".example")); err != nil {
			t.Fatal(err)
		}
	}
	first, _ := s.Permitted(issuer + "/0")
	last, err := s.Permitted("https://299.example")
	if first || !last || err != nil {
		t.Errorf("the first is still there: %v, the last is: %v, %v", first, last, err)
	}
}

// A list that was not written by us permits nothing.
func TestDamagedPermits(t *testing.T) {
	s := newStore(t)
	if err := s.Permit(t.Context(), "https://a.example"); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(s.Dir, "*.allow"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	for _, text := range []string{"", "[]", `{"version":2,"issuers":["https://a.example"]}`, `{"issuers":["https://a.example"]}`, "{"} {
		if err := os.WriteFile(files[0], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		ok, err := s.Permitted("https://a.example")
		if ok {
			t.Errorf("%q permits", text)
		}
		kind(t, err, fault.Failed, "remove it")
	}
	// Without a folder nothing is permitted, and nothing can be.
	if ok, err := (&store.Files{}).Permitted("x"); ok || err != nil {
		t.Error(ok, err)
	}
	if err := (&store.Files{}).Permit(t.Context(), "x"); err == nil {
		t.Error("it is kept nowhere")
	}
}
