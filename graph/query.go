package graph

import (
	"context"
	"time"

	"redline"
	"redline/graph/model"
)

// query has the resolvers of the type Query, in the files by topic.
type query struct{ *resolver }

// connection reads a page and what is asked of its items.
func connection[T any](
	ctx context.Context, r *resolver, first *int, after *string, last *int, before *string,
	read func(redline.Principal, redline.PageRequest) (*redline.Page[T], error),
) (*model.Connection[T], error) {
	p := r.preloader(ctx)
	page, err := read(p.principal, pageOf(ctx, p.root, first, after, last, before))
	if err != nil {
		return nil, err
	}
	if err := loadPage(ctx, p, page); err != nil {
		return nil, err
	}
	return &model.Connection[T]{Page: page}, nil
}

// single reads one object, nil where there is none, and what is asked of it.
func single[T any](ctx context.Context, r *resolver, read func(redline.Principal) (*T, error)) (*T, error) {
	p := r.preloader(ctx)
	found, err := read(p.principal)
	if err != nil || found == nil {
		return nil, err
	}
	if err := load(ctx, p, []*T{found}); err != nil {
		return nil, err
	}
	return found, nil
}

// list reads a list and what is asked of its members.
func list[T any](ctx context.Context, r *resolver, read func(redline.Principal) ([]T, error)) ([]T, error) {
	p := r.preloader(ctx)
	found, err := read(p.principal)
	if err != nil {
		return nil, err
	}
	if err := load(ctx, p, found); err != nil {
		return nil, err
	}
	return found, nil
}

// value is what an optional argument holds; nothing where it was left out.
func value[T any](arg *T) (v T) {
	if arg != nil {
		v = *arg
	}
	return v
}

// Viewer says who is asking.
func (q query) Viewer(ctx context.Context) (*model.Viewer, error) {
	p := q.preloader(ctx)
	who := p.principal
	viewer := &model.Viewer{Subject: who.Subject, Role: who.Role, Scopes: who.Scopes}
	if who.Customer != "" {
		viewer.CustomerID = &who.Customer
	}
	if !who.ExpiresAt.IsZero() {
		viewer.ExpiresAt = &who.ExpiresAt
	}
	if len(who.Suppliers) > 0 && p.root.of.asks("suppliers") {
		var err error
		if viewer.Suppliers, err = q.store.SuppliersByCode(ctx, who.Suppliers); err != nil {
			return nil, err
		}
	}
	return viewer, load(ctx, p, []*model.Viewer{viewer})
}

// AuditEntries lists the audit.
func (q query) AuditEntries(
	ctx context.Context, subject, actor *string, from, to *time.Time, first *int, after *string,
) (*model.AuditEntryConnection, error) {
	filter := redline.AuditFilter{Subject: subject, Actor: actor, From: from, To: to}
	return connection(ctx, q.resolver, first, after, nil, nil,
		func(p redline.Principal, page redline.PageRequest) (*redline.Page[*redline.AuditEntry], error) {
			return q.store.AuditEntries(ctx, p, filter, page)
		})
}

// EventHead is the newest settled position of the event log, as it was before
// anything of this answer was read.
func (q query) EventHead(ctx context.Context) (string, error) {
	if _, err := q.epoch(); err != nil {
		return "", err
	}
	return q.live.Cursor(answerFrom(ctx).head), nil
}
