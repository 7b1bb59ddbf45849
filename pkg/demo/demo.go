// Package demo has what "gatepass demo" shows: a sample API, a sample authorizer
// file and the settings that join them with a OneLogin stand-in.
//
// The files are real ones: they are read as a user's own would be.
package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	_ "embed" // the sample files
)

//go:embed authorizer.yaml
var authorizerFile string

//go:embed gatepass.yaml
var settingsFile string

// Places are where the parts of a demo are.
type Places struct {
	Issuer   string // of the stand-in
	ClientID string // of its client
	Redirect string // a redirect URI that is registered there
	API      string // base URL of the local gateway
}

// Write puts the authorizer file and the settings into a folder and returns
// their paths.
func Write(dir string, p Places) (authorizer, settings string, err error) {
	fill := strings.NewReplacer(
		"{{issuer}}", p.Issuer, "{{client_id}}", p.ClientID, "{{redirect_uri}}", p.Redirect, "{{api}}", p.API,
	)
	authorizer = filepath.Join(dir, "authorizer.yaml")
	settings = filepath.Join(dir, "gatepass.yaml")
	for path, text := range map[string]string{authorizer: authorizerFile, settings: settingsFile} {
		if err := os.WriteFile(path, []byte(fill.Replace(text)), 0o600); err != nil {
			return "", "", fmt.Errorf("writing the demo's files: %w", err)
		}
	}
	return authorizer, settings, nil
}
