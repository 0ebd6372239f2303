package live_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"redline"
	"redline/live"
)

// tokens is an Authenticate that knows these and no others.
type tokens map[string]redline.Principal

func (t tokens) authenticate(ctx context.Context, authorization string, present bool) (redline.Principal, error) {
	if !present {
		return redline.PrincipalFrom(ctx), nil
	}
	if p, ok := t[authorization]; ok {
		return p, nil
	}
	return redline.Principal{}, errors.New("an unknown token")
}

func supplier(scopes, codes []string, expires time.Time) redline.Principal {
	return redline.Principal{
		Issuer: "us", Subject: "hot", Role: redline.RoleSupplier,
		Scopes: scopes, Suppliers: codes, ExpiresAt: expires,
	}
}

func (c *client) refresh(authorization string) {
	c.t.Helper()
	c.send(`{"type":"ping","payload":` + authorizationJSON(authorization) + `}`)
}

func (c *client) refreshed(authorization string) {
	c.t.Helper()
	c.refresh(authorization)
	c.expect(`{"type":"pong","payload":` + authorizationJSON(authorization) + `}`)
}

func (c *client) expectWhoami(want string) {
	c.t.Helper()
	c.subscribe("who", "{ whoami }")
	c.expect(`{"id":"who","type":"next","payload":{"data":{"whoami":"`+want+` in req-1"},"extensions":{"field":"whoami"}}}`,
		`{"id":"who","type":"complete"}`)
}

func TestWhoTheSocketIs(t *testing.T) {
	t.Parallel()
	known := tokens{"Bearer hot": supplier(nil, nil, time.Time{})}
	options := live.WebSocketOptions{Authenticate: known.authenticate}
	shop := redline.Principal{Issuer: "us", Subject: "shop", Role: redline.RoleStorefront}

	newRig(t, setting{socket: options}).connect("").expectWhoami("STOREFRONT  of ")
	newRig(t, setting{principal: &shop, socket: options}).connect("").expectWhoami("STOREFRONT shop of us")
	newRig(t, setting{principal: &shop, socket: options}).connect("Bearer hot").expectWhoami("SUPPLIER hot of us")
	newRig(t, setting{principal: &shop}).connect("").expectWhoami("STOREFRONT shop of us")
}

func TestARefusedInitClosesWith4403(t *testing.T) {
	t.Parallel()
	for _, options := range []live.WebSocketOptions{{Authenticate: tokens{}.authenticate}, {}} {
		r := newRig(t, setting{socket: options})
		for _, bad := range []string{"Bearer forged", " "} {
			c := r.dial(nil)
			c.init(bad)
			c.expectClose(live.CloseForbidden)
		}
	}
}

func TestATokenThatEndsClosesWith4403(t *testing.T) {
	t.Parallel()
	ends := time.Now().Add(200 * time.Millisecond)
	p := supplier(nil, nil, ends)
	options := live.WebSocketOptions{Authenticate: tokens{"Bearer hot": p}.authenticate}
	for authorization, r := range map[string]*rig{
		"Bearer hot": newRig(t, setting{socket: options}),
		"":           newRig(t, setting{principal: &p, socket: options}), // the HTTP request's token
	} {
		c := r.dial(nil)
		c.init(authorization)
		c.expectClose(live.CloseForbidden)
		if early := time.Until(ends); early > 0 {
			t.Errorf("closed %v too early", early)
		}
	}
}

func TestARefreshedTokenKeepsTheSocketOpen(t *testing.T) {
	t.Parallel()
	ends := time.Now().Add(300 * time.Millisecond)
	scopes := []string{redline.ScopeInventoryRead, redline.ScopeOrdersRead}
	reversed := []string{redline.ScopeOrdersRead, redline.ScopeInventoryRead}
	r := newRig(t, setting{socket: live.WebSocketOptions{Authenticate: tokens{
		"Bearer old": supplier(scopes, []string{"a", "b"}, ends),
		"Bearer new": supplier(reversed, []string{"b", "a"}, time.Now().Add(time.Hour)),
		"Bearer end": supplier(scopes, []string{"a", "b"}, time.Now()),
	}.authenticate}})
	c := r.connect("Bearer old")
	c.follow("1", "subscription { events }", 0)
	c.refreshed("Bearer new")
	for time.Now().Before(ends.Add(50 * time.Millisecond)) {
		c.expectQuiet()
	}
	// What ran goes on, because the rights are the same.
	r.publish(1, 1)
	c.expect(event("1", 1))
	c.refresh("Bearer end")
	c.expectClose(live.CloseForbidden)
}

func TestARefreshByAnotherOrABadTokenClosesWith4403(t *testing.T) {
	t.Parallel()
	hot := supplier(nil, nil, time.Time{})
	issuer, subject, role := hot, hot, hot
	issuer.Issuer, subject.Subject, role.Role = "them", "cold", redline.RoleAdmin
	r := newRig(t, setting{socket: live.WebSocketOptions{Authenticate: tokens{
		"Bearer hot": hot, "Bearer issuer": issuer, "Bearer subject": subject, "Bearer role": role,
	}.authenticate}})
	for _, other := range []string{"Bearer issuer", "Bearer subject", "Bearer role", "Bearer forged", " "} {
		c := r.connect("Bearer hot")
		c.refreshed("Bearer hot")
		c.refresh(other)
		c.expectClose(live.CloseForbidden)
	}
	// Whoever came without a token can't become somebody either.
	c := r.connect("")
	c.refresh("Bearer hot")
	c.expectClose(live.CloseForbidden)
}
