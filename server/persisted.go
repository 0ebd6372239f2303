package server

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The members of a request's extensions that name a document. A request's own member
// documentId is put there by the transports.
//
// Sources: https://www.apollographql.com/docs/apollo-server/performance/apq and the
// appendix on persisted documents of the GraphQL over HTTP specification.
const (
	extensionPersistedQuery = "persistedQuery"
	extensionDocumentID     = memberDocumentID
	prefixSHA256            = "sha256:"
	// maxIdentifierBytes is how long a document's identifier may be.
	maxIdentifierBytes = 200
)

// find has the parameters say which document is meant: by its text, or by an
// identifier of one that is listed or was sent before with its hash. Where
// only listed operations are run it refuses all others, valid or not, alike. What was
// sent before it returns, since it had to be looked for.
func (g *guard) find(params *graphql.RawParams) (*cachedDocument, *gqlerror.Error) {
	id, err := identifierIn(params.Extensions)
	if err != nil {
		return nil, err
	}
	if listed := g.operations.named(id); listed != nil {
		if params.Query != "" && !listed.says(params.Query, g.limits) {
			return nil, requestError(codeBadRequest, "query isn't what its identifier stands for")
		}
		params.Query = listed.text
		return nil, nil
	}
	var listed *listed
	if g.only {
		if listed = g.operations.like(params.Query, g.limits); listed == nil {
			return nil, requestError(codeNotAllowed, "only listed operations are run here")
		}
	}
	hash, ok := hashIn(id)
	switch {
	case id == "":
	case params.Query == "":
		known := g.documents.hashed(hash)
		if !ok || known == nil {
			// The words, and not the code alone, are what clients look for.
			return nil, requestError(codeNotPersisted, "PersistedQueryNotFound")
		}
		params.Query = known.text
		return known, nil
	case !ok:
		return nil, requestError(codeBadRequest, "an identifier beside a query must be the query's SHA-256, as 64 lower-case hexadecimal digits")
	case len(params.Query) <= g.limits.Bytes && hash != hashOf(params.Query):
		return nil, requestError(codeBadRequest, "the identifier isn't the SHA-256 of the query")
	}
	if listed != nil {
		params.Query = listed.text
	}
	return nil, nil
}

// keep has a document known by the hash that a client sent with it. By now it is
// valid and within the limits, and the executor has put it into the cache: so what
// is known by a hash takes no room beyond that of the cache.
func (g *guard) keep(operation *graphql.OperationContext) {
	if listed := g.operations.exactly(operation.RawQuery); listed != nil {
		operation.Stats.SetExtension(StatsListed, listed.nameOf(operation.Operation.Name))
		return
	}
	if len(operation.Extensions) == 0 {
		return
	}
	id, _ := identifierIn(operation.Extensions)
	if hash, ok := hashIn(id); ok {
		g.documents.name(operation.RawQuery, hash)
	}
}

// identifierIn reads the identifier of a document out of the extensions; "" where
// there is none.
func identifierIn(extensions map[string]any) (string, *gqlerror.Error) {
	id, known := "", false
	if given := extensions[extensionDocumentID]; given != nil {
		if id, known = given.(string); !known || id == "" || len(id) > maxIdentifierBytes {
			return "", requestError(codeBadRequest, "documentId must be a string of 1 to %d bytes", maxIdentifierBytes)
		}
	}
	given := extensions[extensionPersistedQuery]
	if given == nil {
		return id, nil
	}
	persisted, ok := given.(map[string]any)
	if !ok {
		return "", requestError(codeBadRequest, "extensions.persistedQuery must be an object")
	}
	if version, ok := persisted["version"].(json.Number); !ok || version != "1" {
		return "", requestError(codeBadRequest, "extensions.persistedQuery.version must be 1")
	}
	hash, ok := persisted["sha256Hash"].(string)
	switch {
	case !ok || hash == "" || len(hash) > maxIdentifierBytes:
		return "", requestError(codeBadRequest, "extensions.persistedQuery.sha256Hash must be a string of 1 to %d bytes", maxIdentifierBytes)
	case known && strings.TrimPrefix(id, prefixSHA256) != hash:
		return "", requestError(codeBadRequest, "documentId and extensions.persistedQuery name two documents")
	}
	return hash, nil
}

// names reports whether a request without a query names a document in another way.
func names(extensions map[string]any) bool {
	return extensions[extensionDocumentID] != nil || extensions[extensionPersistedQuery] != nil
}

// hashIn returns the hash that an identifier is.
func hashIn(id string) (string, bool) {
	hash := strings.TrimPrefix(id, prefixSHA256)
	return hash, len(hash) == 2*sha256.Size && strings.Trim(hash, "0123456789abcdef") == ""
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
