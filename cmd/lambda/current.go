package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"gatepass/pkg/authorizer"
	"gatepass/pkg/function"
	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

// The time that reading the file again may take of a request.
const refreshLimit = time.Second

// current has the function of the authorizer file as it was read last, and reads it
// again when it is due. It may be used by several goroutines.
type current struct {
	place    place
	refresh  time.Duration
	maxStale time.Duration
	read     func(context.Context, place) ([]byte, error)
	build    func(*authorizer.File) (*function.Function, error)
	log      *journal

	mu   sync.Mutex
	have *function.Function
	data []byte
	good time.Time // when the file was last read and found right
	due  time.Time // when it is to be read again
}

// function returns the function to decide with at a time. Without one, because the
// file could not be had or is wrong, it tries again. An error means that nothing can
// be decided.
func (c *current) function(ctx context.Context, now time.Time) (*function.Function, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.have == nil {
		err := c.load(ctx, now)
		return c.have, err
	}
	if c.refresh > 0 && !now.Before(c.due) {
		c.again(ctx, now)
	}
	if c.maxStale > 0 && now.Sub(c.good) > c.maxStale {
		return nil, fmt.Errorf("the authorizer file %s could not be read again since %s, longer ago than GATEPASS_MAX_STALE allows",
			c.place, c.good.UTC().Format(time.RFC3339))
	}
	return c.have, nil
}

// again reads the file again. When that fails, the last good one stays.
func (c *current) again(ctx context.Context, now time.Time) {
	c.due = now.Add(c.refresh)
	ctx, cancel := context.WithTimeout(ctx, refreshLimit)
	defer cancel()
	if err := c.load(ctx, now); err != nil {
		c.log.warn("the authorizer file could not be read again; the one of "+c.good.UTC().Format(time.RFC3339)+" stays in use", err)
		c.log.count(countRefreshErrors)
	}
}

// load reads and checks the file. A file that has not changed keeps its function,
// with all that it remembers.
func (c *current) load(ctx context.Context, now time.Time) error {
	data, err := c.read(ctx, c.place)
	if err != nil {
		return fmt.Errorf("the authorizer file %s: %w", c.place, err)
	}
	if c.have == nil || !bytes.Equal(data, c.data) {
		f, err := c.parse(data)
		if err != nil {
			return err
		}
		if c.have != nil {
			c.log.info("the authorizer file has changed and is in use now")
		}
		c.have, c.data = f, data
	}
	c.good, c.due = now, now.Add(c.refresh)
	return nil
}

func (c *current) parse(data []byte) (*function.Function, error) {
	n, err := source.Parse(c.place.String(), data)
	if err != nil {
		return nil, err
	}
	file, err := authorizer.Load(n)
	if err != nil {
		return nil, err
	}
	for _, f := range file.Lint() {
		if f.Severity != policy.Suggestion {
			c.log.warn(fmt.Sprintf("line %d: %s", f.Line, f.Message), nil)
		}
	}
	return c.build(file)
}
