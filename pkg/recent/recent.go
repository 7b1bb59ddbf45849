// Package recent remembers values by their keys, in the order in which they were
// last used, so that whoever has too many can forget the oldest.
package recent

// Map is such a memory. Its zero value is empty and ready to use. It is not safe for
// use by several goroutines at once: those who share one have a lock already, for
// what belongs to it.
type Map[K comparable, V any] struct {
	known map[K]*node[K, V]
	// ring is before the newest and behind the oldest; nil until there is something.
	ring *node[K, V]
}

type node[K comparable, V any] struct {
	key          K
	value        V
	newer, older *node[K, V]
}

// Len is how many values there are.
func (m *Map[K, V]) Len() int { return len(m.known) }

// Get returns a value, which is the newest from then on.
func (m *Map[K, V]) Get(k K) (v V, ok bool) {
	n := m.known[k]
	if n == nil {
		return v, false
	}
	if m.ring.older != n {
		n.unlink()
		m.link(n)
	}
	return n.value, true
}

// Put keeps a value as the newest, in place of what was there under its key.
func (m *Map[K, V]) Put(k K, v V) {
	if m.known == nil {
		m.known, m.ring = map[K]*node[K, V]{}, new(node[K, V])
		m.ring.newer, m.ring.older = m.ring, m.ring
	}
	m.Delete(k)
	n := &node[K, V]{key: k, value: v}
	m.known[k] = n
	m.link(n)
}

// Delete forgets a value.
func (m *Map[K, V]) Delete(k K) {
	if n := m.known[k]; n != nil {
		n.unlink()
		delete(m.known, k)
	}
}

// Oldest is what was used longest ago; false where there is nothing.
func (m *Map[K, V]) Oldest() (k K, v V, ok bool) {
	if len(m.known) == 0 {
		return k, v, false
	}
	n := m.ring.newer
	return n.key, n.value, true
}

func (m *Map[K, V]) link(n *node[K, V]) {
	n.newer, n.older = m.ring, m.ring.older
	n.newer.older, n.older.newer = n, n
}

func (n *node[K, V]) unlink() {
	n.newer.older, n.older.newer = n.older, n.newer
}
