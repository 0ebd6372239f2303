package main

import (
	"context"
	"errors"
	"log/slog"

	"redline"
	"redline/store"
)

// clientPrincipal is who changes clients in the database itself: whoever may write to
// that may do all that there is. No token can be its, as none can be redline.System's.
var clientPrincipal = redline.Principal{
	Issuer: "redline command", Subject: "redline client", Role: redline.RoleAdmin, Scopes: redline.DefaultScopes(redline.RoleAdmin),
}

// databaseClients changes clients in the database itself. Gateways learn of it from the
// event log.
type databaseClients struct{ store *store.Store }

// inDatabase opens a database for something to be done.
func inDatabase(ctx context.Context, url string, io streams, do func(clientKeeper) error) (err error) {
	log := slog.New(slog.NewTextHandler(io.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := store.Open(ctx, url, store.Options{MaxConns: 4, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(databaseClients{s})
}

func (d databaseClients) create(ctx context.Context, in redline.ClientCreateInput) (*shownClient, error) {
	id, done, err := d.store.ClientCreate(ctx, clientPrincipal, in)
	return d.show(ctx, id, done, err)
}

func (d databaseClients) rotate(ctx context.Context, in redline.ClientRotateSecretInput) (*shownClient, error) {
	id, done, err := d.store.ClientRotateSecret(ctx, clientPrincipal, in)
	return d.show(ctx, id, done, err)
}

func (d databaseClients) revoke(ctx context.Context, in redline.ClientRevokeInput) (*shownClient, error) {
	id, done, err := d.store.ClientRevoke(ctx, clientPrincipal, in)
	return d.show(ctx, id, done, err)
}

// show reads a client that was changed.
func (d databaseClients) show(ctx context.Context, id string, done redline.Outcome, err error) (*shownClient, error) {
	if err != nil {
		return nil, err
	}
	found, err := d.store.ClientsByID(ctx, clientPrincipal, []string{id})
	if err != nil {
		return nil, err
	}
	shown := showClient(found[id])
	shown.Secret = done.Secret
	return shown, nil
}

func (d databaseClients) list(ctx context.Context) ([]*shownClient, error) {
	all := []*shownClient{}
	most := redline.PageMax
	for page := (redline.PageRequest{First: &most}); ; {
		found, err := d.store.Clients(ctx, clientPrincipal, redline.ClientFilter{}, page)
		if err != nil {
			return nil, err
		}
		for _, c := range found.Items {
			all = append(all, showClient(c))
		}
		if !found.HasNext {
			return all, nil
		}
		page.After = &found.Cursors[len(found.Cursors)-1]
	}
}

func showClient(c *redline.Client) *shownClient {
	shown := &shownClient{
		ID: c.ID, Name: c.Name, Role: c.Role, Suppliers: []shownSupplier{}, Scopes: c.Scopes, Secrets: c.Secrets, CreatedAt: c.CreatedAt,
		CreatedBy: c.CreatedBy, RevokedAt: c.RevokedAt, LastUsedAt: c.LastUsedAt, Version: c.Version,
	}
	for _, s := range c.Suppliers {
		shown.Suppliers = append(shown.Suppliers, shownSupplier{s.Code})
	}
	return shown
}
