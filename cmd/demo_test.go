package cmd_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"gatepass/cmd"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
)

// TestDemo plays the whole story with nobody at the terminal. It goes as the README
// shows it, and leaves nothing behind.
func TestDemo(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp) // where Windows looks
	said := new(locked)   // results and words, as a terminal mixes them
	app := &cmd.App{
		IO:     &iostreams.Streams{In: strings.NewReader(""), Out: said, Err: said, Width: 80},
		Getenv: func(string) string { return "" }, Now: time.Now,
		Dir: t.TempDir(), HTTP: http.DefaultClient, Secrets: new(secret.Redactor),
	}
	if code := cmd.Run(t.Context(), app, []string{"demo", "--yes"}); code != 0 {
		t.Fatalf("exit code %d\n%s", code, said)
	}
	scenes := readmeScenes(t)
	if len(scenes) != 2 {
		t.Errorf("%d scenes in the README, want 2", len(scenes))
	}
	for _, scene := range scenes {
		if !strings.Contains(said.String(), scene) {
			t.Errorf("the README shows what the demo does not:\n%s\nThe demo:\n%s", scene, said)
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// readmeScenes are the commands of the README's first sample of output, each with what
// it prints.
func readmeScenes(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, sample, found := strings.Cut(string(data), "\n```\n$ ")
	if !found {
		t.Fatal("the README shows no scene")
	}
	sample, _, _ = strings.Cut(sample, "\n```\n")
	var scenes []string
	for scene := range strings.SplitSeq(sample, "\n\n$ ") {
		scenes = append(scenes, "$ "+scene+"\n")
	}
	return scenes
}
