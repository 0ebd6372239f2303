// Package auth turns a bearer token into a redline.Principal, and makes the
// tokens and the key of a gateway that has no other issuer.
//
// A token is a signed JWT (RFC 7519) in compact form. Verifier checks it in an
// order that never trusts what is not yet proven: its shape, its header, whom it
// names as its issuer, that issuer's key of the name in the header, the
// signature, and only then the claims, by that issuer's rules. Of what nothing
// vouches for yet, iss and kid alone are used, to find the key. The algorithm
// belongs to the key; a token's own alg is compared with it and decides nothing.
// Whatever is wrong, the caller sees ErrInvalidToken.
//
// An Issuer's keys are set (StaticKeys) or fetched from where it publishes them
// (JWKS). What it may say is bounded: its roles, scopes and suppliers.
//
// A token that was good once is remembered for a while, by its hash, and its
// signature isn't verified again; its key and its times are looked at whenever
// it is sent.
//
// golang-jwt supplies the signatures and the checks of the registered claims.
// Its parser is left out: it keeps the last of duplicate members, and its base64
// skips line breaks. jwkset makes keys of JWKs; which of them are taken, and when
// they are fetched, is decided here.
package auth
