package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"gatepass/pkg/view"
)

func newVersion(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which gatepass this is",
		Args:  positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			v, platform := buildVersion(), runtime.GOOS+"/"+runtime.GOARCH
			if wantJSON(c) {
				return view.JSON(app.IO.Out, struct {
					SchemaVersion int    `json:"schemaVersion"`
					Version       string `json:"version"`
					Go            string `json:"go"`
					Platform      string `json:"platform"`
				}{1, v, runtime.Version(), platform})
			}
			_, err := fmt.Fprint(app.IO.Out, versionLine(v, runtime.Version(), platform))
			return err
		},
	}
}

// buildVersion is the version the Go command recorded in the binary.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
