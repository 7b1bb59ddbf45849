package idp

import (
	"fmt"
	"testing"
	"time"
)

// TestTableIsBounded: anybody can make the server remember something, and that
// must not fill the memory.
func TestTableIsBounded(t *testing.T) {
	var tab table[int]
	now := time.Unix(0, 0)
	for i := range 5 * maxEntries {
		tab.put(fmt.Sprint(i), i, now.Add(time.Hour), now)
		if len(tab.entries) > maxEntries || len(tab.order) > maxEntries {
			t.Fatalf("%d entries, %d in order", len(tab.entries), len(tab.order))
		}
	}
	last := 5*maxEntries - 1
	if v, ok := tab.get(fmt.Sprint(last), now); !ok || v != last {
		t.Errorf("the newest is %d, %v", v, ok)
	}
	if _, ok := tab.get("0", now); ok {
		t.Error("the oldest is still there")
	}
	if _, ok := tab.get(fmt.Sprint(last), now.Add(time.Hour)); ok {
		t.Error("an expired entry is found")
	}
}

// TestTableDropsTheExpiredFirst: what still counts stays as long as it can.
func TestTableDropsTheExpiredFirst(t *testing.T) {
	var tab table[int]
	now := time.Unix(0, 0)
	tab.put("keep", 1, now.Add(time.Hour), now)
	for i := range 3 * maxEntries {
		tab.put(fmt.Sprint(i), i, now.Add(time.Duration(i)*time.Millisecond), now.Add(time.Duration(i)*time.Millisecond))
	}
	if _, ok := tab.get("keep", now); !ok {
		t.Error("what has not expired was dropped with what has")
	}
}
