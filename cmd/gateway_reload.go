package cmd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/config"
	"gatepass/pkg/crash"
	"gatepass/pkg/fault"
	"gatepass/pkg/gateway"
	"gatepass/pkg/loopback"
)

// generation is the gateway as its files made it at one time. It is closed when
// another one has taken its place and its last request is done.
type generation struct {
	http.Handler
	stage    *stage
	options  gateway.Options
	opened   gateway.Unprotected // routes that are served without their authorizer
	needless []string            // of --open
	files    []string            // that it was made of

	refs atomic.Int64 // the requests under way, and 1 while it is the current one
}

// enter takes part in a generation, unless it is closed already.
func (n *generation) enter() bool {
	for {
		refs := n.refs.Load()
		if refs == 0 {
			return false
		}
		if n.refs.CompareAndSwap(refs, refs+1) {
			return true
		}
	}
}

// leave ends that. The last one closes.
func (n *generation) leave() {
	if n.refs.Add(-1) == 0 {
		n.stage.close()
	}
}

// reloader serves requests with the current generation.
type reloader struct {
	g       *gatewayCommand
	log     *gatewayLog
	http    *http.Client // before a profile's certificates are trusted, too
	at      net.Addr     // where requests come in, once that is known
	current atomic.Pointer[generation]
	seen    *snapshot // of the files, for the goroutine that watches
}

// start makes the first generation.
func (g *gatewayCommand) start(ctx context.Context, log *gatewayLog) (*reloader, error) {
	r := &reloader{g: g, log: log, http: g.app.HTTP}
	n, err := r.make(ctx)
	if err != nil {
		return nil, err
	}
	r.current.Store(n)
	r.seen = newSnapshot(n.files)
	return r, nil
}

// make makes a generation of the files as they are now.
func (r *reloader) make(ctx context.Context) (*generation, error) {
	r.g.app.HTTP = r.http
	p, err := r.g.settings.load(r.g.app)
	if err != nil {
		return nil, err
	}
	o, s, err := r.g.options(ctx, p)
	if err != nil {
		return nil, err
	}
	o.OnRequest, o.Trace = r.log.requests(o.API.Kind), r.log.exec != nil
	n := &generation{stage: s, files: r.g.watched(p, s)}
	unprotected := o.Unprotected()
	for _, u := range unprotected {
		if slices.ContainsFunc(o.Open, func(key string) bool { return gateway.SameRoute(key, u.Route) }) {
			n.opened = append(n.opened, u)
		}
	}
	for _, key := range o.Open {
		if !slices.ContainsFunc(n.opened, func(u gateway.UnprotectedRoute) bool { return gateway.SameRoute(key, u.Route) }) {
			n.needless = append(n.needless, key)
		}
	}
	o.Cache = apigw.NewCache(gateway.CacheSize)
	n.options = o
	if n.Handler, err = gateway.New(o); err != nil {
		s.close()
		return nil, err
	}
	n.refs.Store(1)
	return n, nil
}

// ServeHTTP serves a request with the generation that is current when it comes.
func (r *reloader) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	n := r.current.Load()
	for !n.enter() { // it was replaced in between
		n = r.current.Load()
	}
	defer n.leave()
	n.ServeHTTP(w, req)
}

// swap puts a generation in the place of the current one.
func (r *reloader) swap(n *generation) { r.current.Swap(n).leave() }

// close ends the current generation.
func (r *reloader) close() { r.current.Load().leave() }

// loops reports whether an upstream is the gateway itself, which would ask itself the
// same again until something breaks.
func (n *generation) loops(at net.Addr) bool {
	a, ok := at.(*net.TCPAddr)
	if !ok {
		return false
	}
	self := func(i gateway.Integration) bool {
		u := i.Upstream
		if u == nil {
			return false
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		ip := net.ParseIP(u.Hostname())
		here := loopback.Is(u.Hostname()) || ip != nil && (ip.IsUnspecified() || ip.Equal(a.IP))
		return here && port == strconv.Itoa(a.Port) && (a.IP.IsUnspecified() || ip == nil || ip.IsUnspecified() || ip.Equal(a.IP))
	}
	return self(n.options.Integration) || slices.ContainsFunc(slices.Collect(maps.Values(n.options.Integrations)), self)
}

func errLoop(at net.Addr) error {
	return fault.New(fault.Usage, "the upstream is the gateway itself: both are at %s", at).
		WithHint("the upstream is your own server; give one of the two another port: --listen 127.0.0.1:0 takes a free one")
}

// watch reads the files again when they change, until stop is called.
func (r *reloader) watch(ctx context.Context) (stop func()) {
	if r.g.noReload {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		if err := crash.Catch(func() { r.look(ctx) }); err != nil {
			report(ctx, r.g.app, r.g.json, err)
			r.g.note("files that change are not read again any more")
		}
	})
	return func() { cancel(); done.Wait() }
}

// look looks at the files until the context ends.
func (r *reloader) look(ctx context.Context) {
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if r.seen.changed() {
				r.reload(ctx)
			}
		}
	}
}

// reload makes a new generation. While there is a mistake in a file the one before
// stays; it is said once, as the files are not read again before they change.
func (r *reloader) reload(ctx context.Context) {
	n, err := r.make(ctx)
	if ctx.Err() != nil { // nobody is served any more
		if err == nil {
			n.leave()
		}
		return
	}
	if err == nil && n.loops(r.at) {
		n.leave()
		err = errLoop(r.at)
	}
	if err != nil {
		report(ctx, r.g.app, r.g.json, err)
		r.g.note("what was read before stays in force")
		return
	}
	r.seen.watch(n.files)
	r.swap(n)
	r.g.note("files have changed: read again, and the cache is empty")
	r.g.warnOpen(n)
}

// watched are the files that the gateway was made of.
func (g *gatewayCommand) watched(p *config.Profile, s *stage) []string {
	var files []string
	add := func(dir, path string) {
		if path == "" || strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") {
			return
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if !slices.Contains(files, path) {
			files = append(files, path)
		}
	}
	for _, f := range p.Files {
		add(g.app.Dir, f.Path)
	}
	for _, path := range append([]string{p.API.File, p.Authorizer, g.jwks, g.api.resourcePolicy}, s.files...) {
		add(g.app.Dir, path)
	}
	for _, list := range []*functions{s.functions, s.behind} {
		if list == nil {
			continue
		}
		for _, u := range list.list {
			file, _, _ := strings.Cut(u.written.Handler, "#")
			add(u.written.Dir, file)
		}
	}
	return files
}

// snapshot is how files were when they were last looked at.
type snapshot struct{ files map[string]*fileState }

// maxSeen is how much of a file is looked at, in bytes: more than is read of any.
const maxSeen = 16 << 20

type fileState struct {
	info os.FileInfo // nil: there is no file
	sum  [sha256.Size]byte
}

func newSnapshot(files []string) *snapshot {
	s := &snapshot{files: map[string]*fileState{}}
	s.watch(files)
	return s
}

// watch adds files. Those that nobody reads any more are still looked at: an editor
// may have removed one for a moment.
func (s *snapshot) watch(files []string) {
	for _, path := range files {
		if s.files[path] == nil {
			s.files[path] = &fileState{}
			s.files[path].look(path)
		}
	}
}

// changed reports whether the content of a file has changed since the last call.
func (s *snapshot) changed() bool {
	changed := false
	for path, f := range s.files {
		changed = f.look(path) || changed
	}
	return changed
}

// look looks at a file, and into it only when its size, its time or the file itself
// is another.
func (f *fileState) look(path string) (changed bool) {
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular() && !info.IsDir():
		return false // a pipe was read when the gateway was started; to look into it could take for ever
	case err != nil || info.IsDir():
		changed = f.info != nil
		f.info = nil
		return changed
	case f.info != nil && os.SameFile(f.info, info) && f.info.Size() == info.Size() && f.info.ModTime().Equal(info.ModTime()):
		return false
	}
	sum, ok := hashOf(path)
	if !ok {
		return false // it is being written: the next look finds it
	}
	changed = f.info == nil || !bytes.Equal(sum[:], f.sum[:])
	f.info, f.sum = info, sum
	return changed
}

func hashOf(path string) (sum [sha256.Size]byte, ok bool) {
	f, err := os.Open(path)
	if err != nil {
		return sum, false
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, maxSeen)); err != nil {
		return sum, false
	}
	h.Sum(sum[:0])
	return sum, true
}
