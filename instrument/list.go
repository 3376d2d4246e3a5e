package instrument

// node is an element of a list.
type node[V any] struct {
	value      V
	prev, next *node[V]
	listed     bool
}

// list is a doubly linked list, oldest first, whose nodes know whether they are
// in it. Unlike container/list it needs no allocation besides the node and no
// type assertion. Its user locks it.
type list[V any] struct {
	first, last *node[V]
	len         int64
}

func (l *list[V]) add(n *node[V]) {
	n.prev, n.next, n.listed = l.last, nil, true
	if l.last == nil {
		l.first = n
	} else {
		l.last.next = n
	}
	l.last = n
	l.len++
}

// remove takes n out and reports whether it was still in the list.
func (l *list[V]) remove(n *node[V]) bool {
	if !n.listed {
		return false
	}
	if n.prev == nil {
		l.first = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		l.last = n.prev
	} else {
		n.next.prev = n.prev
	}
	n.prev, n.next, n.listed = nil, nil, false
	l.len--
	return true
}

// takeFirst takes the oldest out, or returns nil.
func (l *list[V]) takeFirst() *node[V] {
	n := l.first
	if n != nil {
		l.remove(n)
	}
	return n
}
