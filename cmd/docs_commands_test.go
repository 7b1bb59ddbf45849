package cmd_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gatepass/cmd"
)

// TestCommandsOfTheDocs: every command that the README and the pages of docs show is
// one that this program has, with flags and arguments that it takes.
func TestCommandsOfTheDocs(t *testing.T) {
	files := []string{"../README.md"}
	for _, pattern := range []string{"../docs/*.md", "../docs/cli/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	n := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range shellLines(string(data)) {
			for _, words := range gatepassWords(line) {
				n++
				if err := takes(words); err != nil {
					t.Errorf("%s: %s\n%q: %v", file, line, words, err)
				}
			}
		}
		for _, s := range span.FindAllStringSubmatch(string(data), -1) {
			n++
			if err := mentions(strings.Fields(s[1])[1:]); err != nil {
				t.Errorf("%s: %s: %v", file, s[1], err)
			}
		}
	}
	if n < 150 {
		t.Errorf("only %d commands were found", n)
	}
}

var (
	command = regexp.MustCompile(`^\s*(\$ )?([A-Z_]+=\S+ )*(.*\| )?gatepass [a-z-]`)
	span    = regexp.MustCompile("`(gatepass [^`]+)`")
	// shellToken is a sign of the shell's, a word or the space between them.
	shellToken = regexp.MustCompile(`\$\(|[();]|&&?|\|\|?|[<>]+|(?:'[^']*'|"[^"]*"|\\.|[^\s'"|;&<>()])+|\s+`)
	quotes     = regexp.MustCompile(`['"\\]`)
)

// takes reports what the program has against arguments, without running anything.
func takes(words []string) error {
	c, rest, err := cmd.Tree().Find(words)
	if err != nil {
		return err
	}
	if err := c.ParseFlags(rest); err != nil || c.Flags().Changed("help") {
		return err
	}
	return c.ValidateArgs(c.Flags().Args())
}

// mentions reports a command or a flag that is named, in part of a command, and that the
// program does not have.
func mentions(words []string) error {
	c, rest, err := cmd.Tree().Find(words)
	if err != nil || !c.HasParent() && !strings.HasPrefix(words[0], "-") && words[0] != "COMMAND" {
		return errors.New("there is no such command")
	}
	for _, word := range rest {
		name, long := strings.CutPrefix(word, "--")
		switch name, _, _ = strings.Cut(name, "="); {
		case !long || name == "help":
		case name == "": // what follows is for another program
			return nil
		case c.Flag(name) == nil:
			return fmt.Errorf("there is no flag --%s", name)
		}
	}
	return nil
}

// shellLines are the lines of a page's blocks of code that have a command of ours, with
// the lines that continue them.
func shellLines(page string) []string {
	var lines []string
	inCode, continued := false, false
	for line := range strings.SplitSeq(page, "\n") {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			inCode, continued = !inCode, false
		case continued:
			lines[len(lines)-1] += strings.TrimSuffix(line, `\`)
			continued = strings.HasSuffix(line, `\`)
		case strings.HasSuffix(line, "[flags]"): // the form of a command, not one
		case inCode && command.MatchString(line):
			lines = append(lines, strings.TrimSuffix(line, `\`))
			continued = strings.HasSuffix(line, `\`)
		}
	}
	return lines
}

// gatepassWords are the arguments of each call of gatepass in a line of a shell. It knows
// as much of shells as the pages use: quotes, pipes, redirections, $(…), comments.
func gatepassWords(line string) [][]string {
	var all [][]string
	var words []string
	started, redirect := false, false
	end := func() {
		if started {
			all = append(all, words)
		}
		words, started = nil, false
	}
	for _, w := range append(shellToken.FindAllString(line, -1), ";") {
		switch {
		case strings.TrimSpace(w) == "":
			continue
		case strings.HasPrefix(w, "#"):
			end()
			return all
		case strings.Trim(w, "<>") == "":
			redirect = true
		case redirect:
			redirect = false
		case strings.Trim(w, "$();&|") == "":
			end()
		case started:
			words = append(words, quotes.ReplaceAllString(w, ""))
		case w == "gatepass":
			started = true
		}
	}
	return all
}
