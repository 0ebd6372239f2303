package auth

import (
	"crypto/sha256"
	"sync"
	"time"

	"redline"
)

// What a Verifier remembers, at most. A client sends the same token with every
// request, and verifying its signature takes longer than all else at the door.
const (
	// maxRemembered is how many tokens are remembered.
	maxRemembered = 4096
	// maxRememberedBytes is the longest token that is, and so bounds the memory
	// with the above. A usual token takes 1 KiB.
	maxRememberedBytes = 2 << 10
	// rememberedFor is for how long a token that nobody sends any more may be
	// remembered while others are sent.
	rememberedFor = 10 * time.Minute
)

// tokenID is the SHA-256 of a token: whoever reads the memory finds no token
// in it.
type tokenID [sha256.Size]byte

// proven is a token whose signature was verified. Nothing in it changes.
//
// It is no leave to enter: the key may be withdrawn, and the time pass. Both
// are looked at each time.
type proven struct {
	issuer    *trusted
	keyID     string // as the token names it
	key       *Key
	claims    *tokenClaims
	principal redline.Principal
}

// memory keeps proven tokens in two generations. What is used moves to the
// young one; once that is full, or half of rememberedFor old, it becomes the
// old one, and what was old is forgotten. So a use costs no more than a look
// into a map. It is safe for concurrent use.
type memory struct {
	mu    sync.RWMutex
	young map[tokenID]*proven
	old   map[tokenID]*proven
	began time.Time // when young did
}

func newMemory() *memory {
	return &memory{young: map[tokenID]*proven{}, began: time.Now()}
}

// recall returns what is known of a token, or nil.
func (m *memory) recall(id tokenID) *proven {
	m.mu.RLock()
	token, fresh := m.young[id]
	if !fresh {
		token = m.old[id]
	}
	aged := m.aged()
	m.mu.RUnlock()
	if token != nil && (!fresh || aged) {
		m.keep(id, token)
	}
	return token
}

// keep remembers a token. What is known of it already is replaced.
func (m *memory) keep(id tokenID, token *proven) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.aged() || len(m.young) >= maxRemembered/2 {
		m.old, m.young, m.began = m.young, map[tokenID]*proven{}, time.Now()
	}
	m.young[id] = token
}

func (m *memory) aged() bool { return time.Since(m.began) > rememberedFor/2 }
