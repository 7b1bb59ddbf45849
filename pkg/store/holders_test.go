package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/store"
)

// Where a secret goes is remembered, whoever says so at the same time, for that secret
// alone, and without the secret.
func TestHolders(t *testing.T) {
	s := newStore(t)
	ours, other := secret.New("secret-of-the-app-1"), secret.New("secret-of-the-app-2")
	const issuer = "https://acme.onelogin.com/oidc/2"
	if have, err := s.Holders(ours); len(have) > 0 || err != nil {
		t.Errorf("before anybody said so: %v %v", have, err)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := (&store.Files{Dir: s.Dir}).AddHolder(t.Context(), ours, fmt.Sprintf("%s/%d", issuer, i/2)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	have, err := s.Holders(ours)
	if err != nil || len(have) != 10 || !slices.Contains(have, issuer+"/0") || !slices.Contains(have, issuer+"/9") {
		t.Errorf("issuers %q, %v", have, err)
	}
	if have, err := s.Holders(other); len(have) > 0 || err != nil {
		t.Errorf("another secret: %v %v", have, err)
	}
	data, err := os.ReadFile(filepath.Join(s.Dir, "client-secrets.json"))
	if err != nil || strings.Contains(string(data), ours.Reveal()) {
		t.Errorf("the file has the secret: %s %v", data, err)
	}
	// A list that grows for ever is not kept.
	for i := range 300 {
		if err := s.AddHolder(t.Context(), ours, fmt.Sprint("https://", i, ".example")); err != nil {
			t.Fatal(err)
		}
	}
	have, err = s.Holders(ours)
	if err != nil || slices.Contains(have, issuer+"/0") || !slices.Contains(have, "https://299.example") {
		t.Errorf("%d issuers, %v", len(have), err)
	}
}

// A list that was not written by us is no list.
func TestDamagedHolders(t *testing.T) {
	s, ours := newStore(t), secret.New("secret-of-the-app")
	if err := s.AddHolder(t.Context(), ours, "https://a.example"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.Dir, "client-secrets.json")
	for _, text := range []string{"", "[]", `{"version":2,"sent":[]}`, `{"version":1,"sent":[]}`, "{"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		have, err := s.Holders(ours)
		if len(have) > 0 {
			t.Errorf("%q has %q", text, have)
		}
		kind(t, err, fault.Failed, "remove it")
		kind(t, s.AddHolder(t.Context(), ours, "https://a.example"), fault.Failed, "remove it")
	}
	// Without a folder nothing is remembered.
	if err := (&store.Files{}).AddHolder(t.Context(), ours, "x"); err != nil {
		t.Error(err)
	}
	if have, err := (&store.Files{}).Holders(ours); len(have) > 0 || err != nil {
		t.Error(have, err)
	}
}
