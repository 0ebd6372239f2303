package auth

import (
	"context"
	"errors"
	"fmt"
)

// KeySet finds the key that a token was signed with.
type KeySet interface {
	// Key returns the key of that id. The id is empty for a token that names
	// none, which is an error where more than one key could be meant. What the
	// error says is logged: it must not repeat the id, which anybody can send.
	//
	// It is asked for every token, so that a key that is withdrawn verifies
	// nothing more. While a key stands, it should be the same *Key each time:
	// tokens that were verified with another are verified anew.
	Key(ctx context.Context, id string) (*Key, error)
}

// StaticKeys is a KeySet that never changes: the gateway's own key, or those
// that it was configured with.
type StaticKeys struct {
	byID map[string]*Key
	only *Key // where there is just one
}

// NewStaticKeys makes a set of the keys. It refuses an empty set, two keys of
// one id, and a key without an id beside others, which no token could name.
func NewStaticKeys(keys ...*Key) (*StaticKeys, error) {
	if len(keys) == 0 {
		return nil, errors.New("no key to verify tokens with")
	}
	set := &StaticKeys{byID: make(map[string]*Key, len(keys))}
	if len(keys) == 1 {
		set.only = keys[0]
		if set.only.id == "" {
			return set, nil
		}
	}
	for _, key := range keys {
		if err := checkText("a key's id", key.id); err != nil {
			return nil, err
		}
		if _, taken := set.byID[key.id]; taken {
			return nil, fmt.Errorf("two keys with the id %q", key.id)
		}
		set.byID[key.id] = key
	}
	return set, nil
}

// empty reports whether there is no key, which NewStaticKeys refuses.
func (s *StaticKeys) empty() bool { return s.only == nil && len(s.byID) == 0 }

// named returns the key of exactly that id, or nil.
func (s *StaticKeys) named(id string) *Key {
	if id == "" {
		if s.only != nil && s.only.id == "" {
			return s.only
		}
		return nil
	}
	return s.byID[id]
}

// Key returns the key of that id, or the only key for an empty id.
func (s *StaticKeys) Key(_ context.Context, id string) (*Key, error) {
	if id == "" {
		if s.only == nil {
			return nil, errors.New("the token names no key, and there are several")
		}
		return s.only, nil
	}
	key, ok := s.byID[id]
	if !ok {
		return nil, errors.New("the token names an unknown key")
	}
	return key, nil
}
