package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

// productParts says which relations of its products the field under way asks
// for, so that they are read with them.
func productParts(ctx context.Context) redline.ProductParts {
	return redline.ProductParts{Availability: needs(ctx, "Product", "availability")}
}

// orderParts is for orders what productParts is for products.
func orderParts(ctx context.Context) redline.OrderParts {
	return redline.OrderParts{
		Lines:   needs(ctx, "Order", "lines"),
		Parts:   needs(ctx, "Order", "fulfillmentOrders", "nextStatuses"),
		History: needs(ctx, "Order", "history"),
	}
}

// needs reports whether the field under way, which leads to objects of a type or
// to a connection of them, asks for one of these fields of the objects.
func needs(ctx context.Context, of string, fields ...string) bool {
	op, f := graphql.GetOperationContext(ctx), selection(ctx)
	if f.Definition.Type.Name() == of {
		return selects(op, f.Selections, of, fields...)
	}
	for _, way := range graphql.CollectFields(op, f.Selections, []string{f.Definition.Type.Name()}) {
		switch way.Name {
		case "nodes":
			if selects(op, way.Selections, of, fields...) {
				return true
			}
		case "edges":
			for _, edge := range graphql.CollectFields(op, way.Selections, []string{way.Definition.Type.Name()}) {
				if edge.Name == "node" && selects(op, edge.Selections, of, fields...) {
					return true
				}
			}
		}
	}
	return false
}
