// Package auth turns a bearer token into a redline.Principal, and makes the
// tokens and the key of a gateway that has no other issuer.
//
// A token is a signed JWT (RFC 7519) in compact form. Verifier checks it in an
// order that never trusts what is not yet proven: its shape, its header, the
// key that the header names, the signature, and only then the claims. The
// algorithm belongs to the key; a token's own alg is compared with it and
// decides nothing. Whatever is wrong, the caller sees ErrInvalidToken.
//
// A token that was good once is remembered for a while, by its hash, and its
// signature isn't verified again; its key and its times are looked at whenever
// it is sent.
//
// golang-jwt supplies the signatures and the checks of the registered claims.
// Its parser is left out: it decodes the claims before the signature is
// verified, keeps the last of duplicate members, and its base64 skips line
// breaks.
package auth
