package apigw

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"gatepass/pkg/policy"
	"gatepass/pkg/recent"
)

// Key is a key of the result cache. Keys compare equal when authorizer, stage and
// all identity values do.
type Key struct{ scope, values string }

// makeKey joins identity values so that no two lists give the same key.
func makeKey(scope string, values []string) Key {
	if len(values) == 1 {
		return Key{scope: scope, values: values[0]}
	}
	var b strings.Builder
	for _, v := range values {
		b.WriteString(strconv.Itoa(len(v)))
		b.WriteByte(':')
		b.WriteString(v)
	}
	return Key{scope: scope, values: b.String()}
}

// Result is an authorizer's answer, checked and ready to be applied again: policy,
// principal and context. It is read only and holds no token.
type Result struct {
	principal  string
	doc        *policy.Document // nil for a simple response
	keys       []string         // the condition keys that doc looks at
	simple     bool
	authorized bool
	backend    *Backend
	usageKey   string
	madeFor    string // the ARN it was made for
	inferred   string
	ttl        time.Duration
	size       int // of the answer, in bytes, roughly
}

// Cache holds results for their time to live, the most recently used ones when
// there are too many. It is safe for use by many goroutines.
type Cache struct {
	mu      sync.Mutex
	most    int
	bytes   int
	entries recent.Map[Key, entry]
}

type entry struct {
	result  *Result
	expires time.Time
}

// maxCacheBytes bounds what all results and keys together take, so that large
// tokens or policies do not fill the memory.
const maxCacheBytes = 64 << 20

// NewCache makes a cache of at most so many results, at least one.
func NewCache(most int) *Cache {
	return &Cache{most: max(most, 1)}
}

// Get returns the result for a key that has not expired.
func (c *Cache) Get(k Key, now time.Time) (*Result, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries.Get(k)
	if !ok {
		return nil, false
	}
	if !now.Before(e.expires) {
		c.drop(k, e)
		return nil, false
	}
	return e.result, true
}

// Put keeps a result for its time to live from now.
func (c *Cache) Put(k Key, r *Result, now time.Time) {
	if r == nil || r.ttl <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.entries.Get(k); ok {
		c.drop(k, old)
	}
	// The key would keep the whole request header alive that it was cut from.
	k.values = strings.Clone(k.values)
	e := entry{result: r, expires: now.Add(r.ttl)}
	c.entries.Put(k, e)
	c.bytes += weight(k, e)
	for c.entries.Len() > 1 && (c.entries.Len() > c.most || c.bytes > maxCacheBytes) {
		oldest, old, _ := c.entries.Oldest()
		c.drop(oldest, old)
	}
}

// Flush forgets everything, as FlushStageAuthorizersCache and
// ResetAuthorizersCache do.
func (c *Cache) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries, c.bytes = recent.Map[Key, entry]{}, 0
}

// Len is how many results are held, expired ones included.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries.Len()
}

func (c *Cache) drop(k Key, e entry) {
	c.entries.Delete(k)
	c.bytes -= weight(k, e)
}

// weight is about what an entry takes. A parsed policy takes several times its
// text.
func weight(k Key, e entry) int { return 512 + len(k.values) + 8*e.result.size }
