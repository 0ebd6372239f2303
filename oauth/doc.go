// Package oauth is the token endpoint of OAuth 2.0 client credentials (RFC 6749
// §4.4): a program proves with its id and secret which client it is, and gets a
// token that is good for a while. Beside it are what libraries look for: the
// server's metadata (RFC 8414) and the keys that its tokens are signed with (RFC
// 7517).
//
// A request says who it is in the Authorization header or in the body, never in
// both, and never in the URL, which gets into logs. Of a client that isn't known,
// one that is revoked and a secret that is wrong the same is said. Who is wrong too
// often has to wait; who is right, from somewhere else, doesn't.
//
// The room knows neither the database nor the keys: it asks a Clients who somebody
// is, and is given what issues tokens.
package oauth
