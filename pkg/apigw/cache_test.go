package apigw_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/pkg/apigw"
)

// entry makes a key and a result for a token.
func entry(t *testing.T, api *apigw.API, token, doc string) (apigw.Key, *apigw.Result) {
	t.Helper()
	_, p := apigw.Begin(api, get("/", token))
	k, ok := p.Key()
	if !ok {
		t.Fatal("not cached")
	}
	_, r := p.Finish(apigw.ResultOutput([]byte(doc)))
	return k, r
}

func cachedAPI(ttl int) *apigw.API {
	z := lambda()
	z.TTL = &ttl
	return rest(z)
}

func TestCacheBounds(t *testing.T) {
	api := cachedAPI(300)
	c := apigw.NewCache(3)
	keys := map[string]apigw.Key{}
	for _, token := range []string{"a", "b", "c"} {
		k, r := entry(t, api, token, policyAnswer("Allow", "*", ""))
		c.Put(k, r, at())
		keys[token] = k
	}
	c.Get(keys["a"], at()) // now b is the one that was not used for longest
	k, r := entry(t, api, "d", policyAnswer("Allow", "*", ""))
	c.Put(k, r, at())
	for token, want := range map[string]bool{"a": true, "b": false, "c": true} {
		if _, ok := c.Get(keys[token], at()); ok != want {
			t.Errorf("%s is there: %t, want %t", token, ok, want)
		}
	}
	if c.Len() != 3 {
		t.Errorf("%d results, want 3", c.Len())
	}
	if _, ok := c.Get(k, at().Add(300*time.Second)); ok || c.Len() != 2 {
		t.Error("an expired result is still there")
	}
	c.Put(k, nil, at()) // nothing to keep
	c.Flush()
	if c.Len() != 0 {
		t.Error("a flush left something")
	}
}

// TestCacheBytes: many large answers do not fill the memory.
func TestCacheBytes(t *testing.T) {
	api := cachedAPI(300)
	c := apigw.NewCache(1 << 20)
	big := policyAnswer("Allow", "*", `,"context":{"a":"`+strings.Repeat("x", 1<<20)+`"}`)
	for i := range 40 {
		k, r := entry(t, api, fmt.Sprint(i), big)
		c.Put(k, r, at())
	}
	if c.Len() == 0 || c.Len() > 10 {
		t.Errorf("%d results of 1 MB are held", c.Len())
	}
}

func TestCacheConcurrently(t *testing.T) {
	api := cachedAPI(300)
	if err := api.Prepare(); err != nil {
		t.Fatal(err)
	}
	c := apigw.NewCache(8)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 300 {
				v := apigw.Decide(api, get("/", fmt.Sprint(i%16)), c, returns(policyAnswer("Allow", "*", "")))
				if !v.Allowed {
					t.Errorf("worker %d: %s", worker, v.Reason)
				}
				if i%100 == 0 {
					c.Flush()
				}
			}
		})
	}
	wg.Wait()
	if c.Len() > 8 {
		t.Errorf("%d results, want at most 8", c.Len())
	}
}
