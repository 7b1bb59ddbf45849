// Package cmd is the command line of gatepass: a tree of cobra commands, each of
// which reads its flags, makes one call into pkg and prints one result.
package cmd

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/pkg/browser"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"gatepass/pkg/crash"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
	"gatepass/pkg/store"
)

// App is everything a command may reach beyond its own flags. Constructors copy
// what they need.
type App struct {
	IO     *iostreams.Streams
	Getenv func(string) string
	Now    func() time.Time

	// Dir is the working directory, where the search for gatepass.yaml starts.
	Dir string
	// ConfigDir holds the user's own settings, StateDir the tokens and
	// CacheDir the key sets of issuers. An empty one switches that off.
	ConfigDir, StateDir, CacheDir string
	// MemoryDir is for tokens that are not to be on a disk. Nil, or empty: there is none.
	MemoryDir func() string
	// Keyring has the key of stored tokens. Nil: there is none.
	Keyring store.Keyring

	// OpenURL shows a page in the user's browser.
	OpenURL func(url string) error
	// HTTP makes the requests to issuers. Requests to APIs are the caller
	// room's.
	HTTP *http.Client
	// Secrets cleans what is written about requests.
	Secrets *secret.Redactor

	// columns is how wide the terminal is by now; nil: as IO says.
	columns func() int
	// rawInput has the terminal give each key and show none, until it is restored.
	// It may be nil: then it gives lines.
	rawInput func() (restore func(), err error)
	// undo gives back what the process was started with, before it becomes another
	// program. It may be nil.
	undo func()
}

// Main runs gatepass as a process and returns its exit code.
func Main() int {
	cobra.EnableCommandSorting = false // help lists commands as commands does
	return Run(newInterruptible(), system(), os.Args[1:])
}

// interruptible is a context that ends when the process is told to. Until something
// waits for its end nobody listens, which takes as long as the rest of a small command:
// a signal then ends the process as it ends any other.
type interruptible struct {
	context.Context
	listen func()
}

func newInterruptible() *interruptible {
	ctx, cancel := context.WithCancel(context.Background())
	return &interruptible{ctx, sync.OnceFunc(func() {
		ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
		if !signal.Ignored(syscall.SIGHUP) { // nohup
			ends = append(ends, syscall.SIGHUP) // the terminal is closed: clean up as for Ctrl-C
		}
		told := make(chan os.Signal, 1)
		signal.Notify(told, ends...)
		go func() {
			<-told
			signal.Stop(told) // a second one kills, as usual
			cancel()
		}()
	})}
}

func (i *interruptible) Done() <-chan struct{} {
	i.listen()
	return i.Context.Done()
}

func (i *interruptible) Err() error {
	i.listen()
	return i.Context.Err()
}

// Run is Main without the process.
func Run(ctx context.Context, app *App, args []string) int {
	var err error
	mistake := crash.Catch(func() {
		root := newRoot(app, args)
		root.SetArgs(args)
		err = root.ExecuteContext(ctx)
	})
	if mistake != nil {
		err = mistake
	}
	return report(ctx, app, asksJSON(args), err)
}

// system is the App of a real process.
func system() *App {
	in, out, err := terminal(os.Stdin), terminal(os.Stdout), terminal(os.Stderr)
	secrets := new(secret.Redactor)
	app := &App{
		IO: &iostreams.Streams{
			// What is said to people passes the redactor whoever says it. Results do
			// not: a token that was asked for must be printed.
			In: os.Stdin, Out: os.Stdout, Err: secrets.Guard(os.Stderr),
			InTerminal: in, OutTerminal: out, ErrTerminal: err,
			OutColor: iostreams.Color(os.Getenv, out),
			ErrColor: iostreams.Color(os.Getenv, err),
			Width:    width(),
		},
		Getenv:  environment(),
		Now:     time.Now,
		OpenURL: openURL,
		HTTP:    &http.Client{Timeout: 30 * time.Second},
		Secrets: secrets,
		undo:    noDumps(),

		rawInput: func() (func(), error) { return rawTerminal(os.Stdin) },
		columns:  width,
	}
	log.SetOutput(netLog{app.IO.Err}) // net/http says there what it has caught: panics of handlers
	app.Dir, _ = os.Getwd()
	app.ConfigDir, app.StateDir, app.CacheDir = directories(os.Getenv)
	app.MemoryDir = func() string { return memoryDir(os.Getenv, app.StateDir) }
	app.Keyring = systemKeyring(os.Getenv)
	return app
}

// netLog is what net/http logs, without what a server does that sends more than it
// was asked for: that goes nowhere, and is no news to anybody.
type netLog struct{ w io.Writer }

func (l netLog) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("Unsolicited response received on idle HTTP channel")) {
		return len(p), nil
	}
	return l.w.Write(p)
}

// secretVariables are the variables that hold a secret for gatepass itself.
func secretVariables() []string { return []string{secretVariable, keyVariable, proxySecretVariable} }

// environment looks variables up. Those with secrets are taken out of the process's
// own, so that no child has them: no browser, no helper, no command of exec.
func environment() func(string) string {
	hidden := map[string]string{}
	for _, name := range secretVariables() {
		if value, set := os.LookupEnv(name); set {
			hidden[name] = value
			_ = os.Unsetenv(name) // it fails only for names that cannot be
		}
	}
	return func(name string) string {
		if value, ok := hidden[name]; ok {
			return value
		}
		return os.Getenv(name)
	}
}

// directories are where the user's settings, tokens and key sets live. All three
// are under GATEPASS_HOME where that is set, so that a demo, a test or a
// pipeline can have its own.
func directories(getenv func(string) string) (config, state, cache string) {
	if home := getenv("GATEPASS_HOME"); home != "" {
		return home, filepath.Join(home, "state"), filepath.Join(home, "cache")
	}
	if d, err := os.UserConfigDir(); err == nil {
		config = filepath.Join(d, "gatepass")
		state = filepath.Join(config, "state")
	}
	if d := getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		state = filepath.Join(d, "gatepass")
	}
	if d, err := os.UserCacheDir(); err == nil {
		cache = filepath.Join(d, "gatepass")
	}
	return config, state, cache
}

func terminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// width is the number of columns of the terminal, whichever stream has one.
func width() int {
	for _, f := range []*os.File{os.Stdout, os.Stderr, os.Stdin} {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return 80
}

// openURL opens the user's browser. What the browser's launcher prints would end
// up among our results, so it goes nowhere.
func openURL(url string) error {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	browser.Stdout, browser.Stderr = null, null
	return browser.OpenURL(url)
}
