package limit

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// table keeps buckets by their names, those used last, up to a number: an attacker's
// many names can't make it grow. A bucket that is let go of is full for who comes
// back, as it would mostly be by then.
type table struct {
	mu   sync.Mutex
	full *simplelru.LRU[string, float64] // when each will be full, in microseconds
}

func newTable(most int) (*table, error) {
	full, err := simplelru.NewLRU[string, float64](most, nil)
	if err != nil {
		return nil, err
	}
	return &table{full: full}, nil
}

// look is when a bucket will be full; the distant past where it isn't known.
func (t *table) look(name string) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	full, _ := t.full.Get(name)
	return full
}

// note is the later of what is known of a bucket and what is noted of it.
func (t *table) note(name string, full float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.full.Peek(name); !ok || full > known {
		t.full.Add(name, full)
	}
}
