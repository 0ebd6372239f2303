package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"redline/graph/model"
)

// rootFields is an extension at which gqlgen's own execution ends: it writes what
// root fields lead to. gqlgen parses, validates, reads arguments, asks @scope
// and calls our resolvers; what they return comes here, and what goes back to
// gqlgen is bytes. Its code for the fields of objects is never reached, but for
// those of the schema about itself.
type rootFields struct{}

// ExtensionName names the extension.
func (rootFields) ExtensionName() string { return "RootFields" }

// Validate accepts any schema.
func (rootFields) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptField runs around each root field.
func (rootFields) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	v, err := next(ctx)
	if err != nil || v == nil {
		return v, err
	}
	switch graphql.GetFieldContext(ctx).Object {
	case "Query":
		return show(ctx, asked(ctx), v), nil
	case "Mutation":
		// What was changed is told, however late it is: UNAVAILABLE would say that
		// nothing was.
		return show(context.WithoutCancel(ctx), asked(ctx), v), nil
	case "Subscription":
		f := asked(ctx)
		switch events := v.(type) {
		case <-chan *model.AvailabilityEvent:
			return shown(f, events), nil
		case <-chan *model.InventoryEvent:
			return shown(f, events), nil
		case <-chan *model.OrderEvent:
			return shown(f, events), nil
		case <-chan *model.ConflictEvent:
			return shown(f, events), nil
		}
	}
	return v, nil
}

// show writes the value of a root field. It returns what gqlgen takes for null
// where there is to be null, and the value itself where it has no objects.
func show(ctx context.Context, f *field, v any) any {
	if f.of == nil && f.kinds == nil {
		return v
	}
	w := newWriter(ctx, f)
	whole, known := w.write(f, v)
	switch {
	case !known:
		w.free()
		return v
	case !whole:
		w.free()
		return graphql.Null
	}
	return &written{w}
}

// shown writes the events of a subscription as they come. The result ends, with
// nil, where they do or the context does.
func shown[T any](f *field, events <-chan *T) func(context.Context) graphql.Marshaler {
	return func(ctx context.Context) graphql.Marshaler {
		select {
		case e, ok := <-events:
			if !ok {
				return nil
			}
			w := newWriter(ctx, f)
			w.buf = append(append(w.buf, '{'), f.key[1:]...)
			if whole, _ := w.write(f, e); !whole {
				w.buf = append(w.buf, nullLiteral...)
			}
			w.buf = append(w.buf, '}')
			return &written{w}
		case <-ctx.Done():
			return nil
		}
	}
}
