package instrument

import "testing"

func TestList(t *testing.T) {
	var l list[int]
	nodes := make([]node[int], 5)
	for i := range nodes {
		nodes[i].value = i
		l.add(&nodes[i])
	}
	for _, i := range []int{2, 0, 4} {
		if !l.remove(&nodes[i]) || l.remove(&nodes[i]) {
			t.Errorf("node %d: removed not once", i)
		}
	}
	l.add(&nodes[0])
	for _, want := range []int{1, 3, 0} {
		if n := l.takeFirst(); n == nil || n.value != want {
			t.Errorf("first is %v, want %d", n, want)
		}
	}
	if l.takeFirst() != nil || l.len != 0 || l.last != nil {
		t.Errorf("not empty: %+v", l)
	}
}
