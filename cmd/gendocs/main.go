// Gendocs writes the pages of docs/cli, and man pages where asked for, out of the
// command tree:
//
//	go run ./cmd/gendocs [-man DIR] [docs/cli]
//
// A test of this package fails when docs/cli differs from what it would write.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra/doc"

	"gatepass/cmd"
)

func main() {
	man := flag.String("man", "", "`folder` for man pages")
	flag.Parse()
	dir := "docs/cli"
	if flag.NArg() > 0 {
		dir = flag.Arg(0)
	}
	if err := write(dir, *man); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

// write writes the pages. A folder named "" is left out.
func write(pages, man string) error {
	root := cmd.Tree()
	if pages != "" {
		if err := os.MkdirAll(pages, 0o750); err != nil {
			return err
		}
		if err := doc.GenMarkdownTree(root, pages); err != nil {
			return err
		}
	}
	if man == "" {
		return nil
	}
	if err := os.MkdirAll(man, 0o750); err != nil {
		return err
	}
	// A fixed date: a page must not differ because of the day it was made.
	date := time.Unix(0, 0).UTC()
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "gatepass", Date: &date}, man)
}
