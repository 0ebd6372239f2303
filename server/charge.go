package server

import (
	"context"
	"math"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
)

const (
	// statsCharge is where an operation's charge is kept with it: in
	// graphql.OperationContext.Stats.
	statsCharge = "redline.charge"
	// statsDocument is where the *cachedDocument is kept that was found for it.
	statsDocument = "redline.document"
	// StatsListed is the extension of graphql.OperationContext.Stats that has the name,
	// a string, under which an operation is listed among Operations. What isn't listed
	// has none: so the names are a bounded set, fit for labels.
	StatsListed = "redline.listed"

	extensionCost      = "cost"
	extensionRequestID = "requestId"
)

// charge is what an operation costs, as extensions.cost tells it: with how the
// caller's bucket stands after that, where there is one.
type charge struct {
	requested int64
	bucket    redline.Allowance
}

// MarshalJSON writes it.
func (c *charge) MarshalJSON() ([]byte, error) { return c.append(nil), nil }

func (c *charge) append(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"requested":`...), c.requested, 10)
	if c.bucket.Limit > 0 {
		b = strconv.AppendInt(append(b, `,"limit":`...), c.bucket.Limit, 10)
		b = strconv.AppendInt(append(b, `,"remaining":`...), c.bucket.Remaining, 10)
		b = strconv.AppendFloat(append(b, `,"restorePerSecond":`...), c.bucket.RestorePerSecond, 'f', -1, 64)
	}
	return append(b, '}')
}

// charge prices an operation, and refuses it where that is more than any may cost.
func (g *guard) charge(operation *graphql.OperationContext) *gqlerror.Error {
	cost := max(g.pricesOf(operation)[operation.Operation.Name].cost(operation.Variables, operation.Headers.Get(headerLastEventID) != ""), 1)
	operation.Stats.SetExtension(statsCharge, &charge{requested: cost})
	if cost <= g.maxCost {
		return nil
	}
	err := requestError(codeLimitExceeded, "the operation costs %d points, and may cost %d at most: ask for less at once", cost, g.maxCost)
	err.Extensions["limit"], err.Extensions["value"], err.Extensions["maximum"] = "cost", cost, g.maxCost
	return err
}

// pricesOf are the prices of an operation's document, made once for each that is
// cached.
func (g *guard) pricesOf(operation *graphql.OperationContext) priceList {
	known := foundFor(operation, operation.RawQuery)
	if known == nil {
		known = g.documents.get(operation.RawQuery) // it is new
	}
	if known == nil || known.doc != operation.Doc {
		return g.tariff.prices(operation.Doc)
	}
	if made := known.prices.Load(); made != nil {
		return *made
	}
	made := g.tariff.prices(operation.Doc)
	known.prices.Store(&made)
	return made
}

// Cost is how many points an operation costs, 0 where it wasn't priced.
func Cost(operation *graphql.OperationContext) int64 {
	if c := chargeOf(operation); c != nil {
		return c.requested
	}
	return 0
}

func chargeOf(operation *graphql.OperationContext) *charge {
	c, _ := operation.Stats.GetExtension(statsCharge).(*charge)
	return c
}

// InterceptOperation takes what an operation costs from its caller's bucket, before
// any resolver runs. A subscription pays once, when it begins.
func (g *guard) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	c := chargeOf(graphql.GetOperationContext(ctx))
	if g.rate == nil || c == nil || redline.Resumed(ctx) {
		return next(ctx)
	}
	allowance := g.rate.Take(ctx, c.requested)
	c.bucket = allowance
	if allowance.Allowed {
		return next(ctx)
	}
	err := rateLimited(allowance)
	withRequestID(ctx, err)
	return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{err}, Extensions: map[string]any{extensionCost: c}})
}

// InterceptResponse adds to an answer what it cost, and to what was refused the
// request's id, and keeps that small. The events of a subscription have neither.
func (g *guard) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if operation := graphql.GetOperationContext(ctx); operation.Operation == nil || operation.Operation.Operation != ast.Subscription {
		if c := chargeOf(operation); c != nil {
			graphql.RegisterExtension(ctx, extensionCost, c)
		}
	}
	response := next(ctx)
	if response != nil && len(response.Data) == 0 && len(response.Errors) > 0 {
		response.Errors = restrain(response.Errors)
		for _, err := range response.Errors {
			withRequestID(ctx, err)
		}
	}
	return response
}

// withRequestID has an error say which request it is about.
func withRequestID(ctx context.Context, err *gqlerror.Error) {
	id := redline.RequestIDFrom(ctx)
	if id == "" {
		return
	}
	if err.Extensions == nil {
		err.Extensions = map[string]any{}
	}
	err.Extensions[extensionRequestID] = id
}

// rateLimited says when to ask again.
func rateLimited(a redline.Allowance) *gqlerror.Error {
	wait := int64(math.Ceil(a.RetryAfter.Seconds() * 1000))
	err := requestError(codeRateLimited, "too much was asked for lately: ask again in %d ms", wait)
	err.Extensions["retryAfterMs"], err.Extensions["by"] = wait, a.By
	return err
}
