package idp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Forger makes tokens that no door may take, for a gateway that knows its
// issuers.
type Forger struct {
	// Good makes the claims of a token that would be taken, of the role supplier.
	Good func() Object
	// EdDSA, RS256 and ES256 are keys of the issuer that Good names.
	EdDSA, RS256, ES256 Key
	// Neighbour is a key of another issuer that the gateway knows, and has the
	// kid of EdDSA. NeighbourName is that issuer's.
	Neighbour     Key
	NeighbourName string
}

// Forgery is a token that has to be refused.
type Forgery struct {
	Name  string
	Token string
}

// All makes every forgery.
func (f Forger) All(tb testing.TB) []Forgery {
	tb.Helper()
	var all []Forgery
	add := func(name, token string) { all = append(all, Forgery{name, token}) }
	f.algorithms(tb, add)
	f.headers(add)
	f.shapes(add)
	f.claims(add)
	return all
}

// algorithms are those that try to choose how, or by whose key, they are verified.
func (f Forger) algorithms(tb testing.TB, add func(name, token string)) {
	claims := f.Good()
	payload := Segment(claims.String())
	unsigned := func(alg string) string { return Segment(f.EdDSA.Header().With("alg", alg).String()) + "." + payload }
	for _, none := range []string{"none", "None", "NONE", "nOnE", ""} {
		add(fmt.Sprintf("alg %q without a signature", none), unsigned(none)+".")
		add(fmt.Sprintf("alg %q with a signature", none), f.EdDSA.Signed(f.EdDSA.Header().With("alg", none).String(), claims.String()))
	}
	for _, key := range []Key{f.EdDSA, f.RS256, f.ES256} {
		for _, secret := range [][]byte{key.PEM(), bytes.TrimSpace(key.PEM()), []byte(Object(key.JWK()).String())} {
			text := Segment(key.Header().With("alg", "HS256").String()) + "." + payload
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(text))
			add("HS256 with the public key of "+key.Algorithm, text+"."+Segment(string(mac.Sum(nil))))
		}
		for _, alg := range []string{"RS256", "ES256", "EdDSA", "PS256", "RS512", "ES384", "Ed25519", "rs256", "eddsa", "HS256 "} {
			if alg != key.Algorithm {
				add(key.Algorithm+" said to be "+alg, key.Signed(key.Header().With("alg", alg).String(), claims.String()))
			}
		}
		for _, other := range []Key{f.EdDSA, f.RS256, f.ES256} {
			if other.ID != key.ID {
				add(key.Algorithm+" under the kid of "+other.Algorithm, key.Signed(other.Header().String(), claims.String()))
			}
		}
	}
	stranger := NewKey(tb, f.EdDSA.ID, "EdDSA")
	add("a key of nobody's under a known kid", stranger.Token(claims))
	add("the key of another issuer with the same kid", f.Neighbour.Token(claims))
	add("our key in the name of another issuer with the same kid", f.EdDSA.Token(claims.With("iss", f.NeighbourName)))
	add("an unknown kid", f.EdDSA.Signed(f.EdDSA.Header().With("kid", "unknown").String(), claims.String()))
	add("a kid that is a path", f.EdDSA.Signed(f.EdDSA.Header().With("kid", "../../../dev/null").String(), claims.String()))
	add("a kid that is SQL", f.EdDSA.Signed(f.EdDSA.Header().With("kid", "' OR 1=1 --").String(), claims.String()))
	add("no kid where there are several keys", f.EdDSA.Signed(f.EdDSA.Header().Without("kid").String(), claims.String()))
	brought := stranger.Header().With("jwk", stranger.JWK())
	add("a key that it brings itself", stranger.Signed(brought.String(), claims.String()))
	add("a key that it brings itself, and no kid", stranger.Signed(brought.Without("kid").String(), claims.String()))
	f.signatures(add)
}

// signatures are those of ECDSA and others that a lax verifier takes.
func (f Forger) signatures(add func(name, token string)) {
	claims := f.Good()
	text := Segment(f.ES256.Header().String()) + "." + Segment(claims.String())
	digest := sha256.Sum256([]byte(text))
	der, err := ecdsa.SignASN1(rand.Reader, f.ES256.private.(*ecdsa.PrivateKey), digest[:])
	if err != nil {
		panic(fmt.Errorf("signing a token of a test: %w", err))
	}
	good := f.ES256.sign([]byte(text))
	order := f.ES256.private.(*ecdsa.PrivateKey).Params().N.Bytes()
	for name, signature := range map[string][]byte{
		"in DER":           der,
		"of zeros":         make([]byte, 64),
		"with r zero":      append(make([]byte, 32), good[32:]...),
		"with s zero":      append(bytes.Clone(good[:32]), make([]byte, 32)...),
		"with r the order": append(bytes.Clone(order), good[32:]...),
		"cut short":        good[:63],
		"with a byte more": append(bytes.Clone(good), 0),
		"empty":            nil,
	} {
		add("an ES256 signature "+name, text+"."+Segment(string(signature)))
	}
	for _, key := range []Key{f.EdDSA, f.RS256} {
		token := key.Token(claims)
		cut := strings.LastIndexByte(token, '.')
		add(key.Algorithm+" without its signature", token[:cut+1])
		add(key.Algorithm+" with a signature of zeros", token[:cut+1]+Segment(strings.Repeat("\x00", len(key.sign(nil)))))
		add(key.Algorithm+" with a truncated signature", token[:len(token)-8])
		add(key.Algorithm+" with a signature of other claims", token[:cut]+key.Token(claims.With("sub", "x"))[strings.LastIndexByte(key.Token(claims.With("sub", "x")), '.'):])
	}
}

// headers are well signed, and have what no token may have.
func (f Forger) headers(add func(name, token string)) {
	claims := f.Good().String()
	header := f.EdDSA.Header()
	for name, value := range map[string]any{
		"typ": "logout+jwt", "crit": []string{"exp"}, "b64": false, "cty": "JWT", "jku": "https://evil.example/keys",
		"x5u": "https://evil.example/chain", "x5c": []string{"MIIB"}, "jwk": f.EdDSA.JWK(), "kid": 7, "alg": nil,
	} {
		add("the header "+name, f.EdDSA.Signed(header.With(name, value).String(), claims))
	}
	add("an empty crit", f.EdDSA.Signed(header.With("crit", []string{}).String(), claims))
	add("b64 that is critical", f.EdDSA.Signed(header.With("b64", false).With("crit", []string{"b64"}).String(), claims))
	add("a typ that is a number", f.EdDSA.Signed(header.With("typ", 1).String(), claims))
	plain := header.String()
	add("a member of the header twice", f.EdDSA.Signed(strings.TrimSuffix(plain, "}")+`,"alg":"EdDSA"}`, claims))
	add("a member of the header twice, one escaped", f.EdDSA.Signed(strings.TrimSuffix(plain, "}")+`,"\u0061lg":"none"}`, claims))
	add("a header that isn't UTF-8", f.EdDSA.Signed(strings.TrimSuffix(plain, "}")+",\"x\":\"\xff\"}", claims))
	add("a header that isn't an object", f.EdDSA.Signed("[]", claims))
	add("an empty header", f.EdDSA.Signed("", claims))
	add("a header of deep nesting", f.EdDSA.Signed(strings.TrimSuffix(plain, "}")+`,"x":`+nested(1000)+`}`, claims))
}

func nested(deep int) string { return strings.Repeat("[", deep) + strings.Repeat("]", deep) }

// shapes are well signed, and not three clean segments.
func (f Forger) shapes(add func(name, token string)) {
	claims := f.Good()
	good := f.EdDSA.Token(claims)
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"nothing but dots":       "..",
		"two parts":              parts[0] + "." + parts[1],
		"four parts":             good + ".",
		"a JWE, of five parts":   good + "." + parts[0] + "." + parts[1],
		"trailing garbage":       good + "AAAA",
		"padding":                good + "=",
		"padding of the header":  f.EdDSA.SignedSegments(parts[0]+"==", parts[1]),
		"padding of the claims":  f.EdDSA.SignedSegments(parts[0], parts[1]+"="),
		"a nested token":         f.EdDSA.Signed(f.EdDSA.Header().String(), good),
		"a nested token, quoted": f.EdDSA.Signed(f.EdDSA.Header().String(), `"`+good+`"`),
		"a long token":           f.EdDSA.Token(claims.With("x", strings.Repeat("x", 9000))),
		"a huge token":           strings.Repeat("a", 30_000) + good,
		"deep nesting":           f.EdDSA.Signed(f.EdDSA.Header().String(), strings.TrimSuffix(claims.String(), "}")+`,"x":`+nested(1000)+`}`),
		"the standard alphabet":  f.EdDSA.SignedSegments(parts[0], standardAlphabet(claims)),
		"a token in a token68":   good + "/+",
		"unused bits set":        f.EdDSA.SignedSegments(unusedBits(f.EdDSA.Header().String()), parts[1]),
	} {
		add(name, token)
	}
}

// standardAlphabet writes claims in base64 instead of base64url, such that the two
// differ.
func standardAlphabet(claims Object) string {
	for pad := ""; ; pad += " " {
		segment := Segment(claims.With("x", pad+"???>>>").String())
		if standard := strings.NewReplacer("-", "+", "_", "/").Replace(segment); standard != segment {
			return standard
		}
	}
}

// unusedBits writes text such that its last character has bits that no byte
// takes, and sets one.
func unusedBits(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for len(text)%3 != 1 {
		text += " "
	}
	segment := Segment(text)
	return segment[:len(segment)-1] + alphabet[strings.IndexByte(alphabet, segment[len(segment)-1])|1:][:1]
}

// claims are well signed, and say what may not be said.
func (f Forger) claims(add func(name, token string)) {
	good := f.Good()
	now := time.Now().Unix()
	token := func(claims Object) string { return f.EdDSA.Token(claims) }
	for _, name := range []string{"iss", "aud", "sub", "exp", "role", "suppliers"} {
		add("without "+name, token(good.Without(name)))
		add(name+" null", token(good.With(name, nil)))
		add(name+" an object", token(good.With(name, Object{"a": 1})))
	}
	for name, values := range map[string][]any{
		"iss":       {"somebody", "", "REDLINE", 5, []string{f.NeighbourName}},
		"aud":       {"somebody", "", []string{}, []string{"somebody"}, []any{"somebody", 5}},
		"sub":       {"", "a\x00b", "a\nb", strings.Repeat("x", 201), 5},
		"exp":       {now - 60, 0, -1, "9999999999", 1e300, true},
		"nbf":       {now + 3600, "0", -1, nil},
		"iat":       {now + 3600, "0", nil},
		"role":      {"SUPPLIER", "Supplier", " supplier", "root", "", "supplier,admin", []string{"supplier"}},
		"suppliers": {[]string{}, "sauce", []any{"sauce", nil}, []string{"sauce", "sauce"}, []string{""}, []string{"a\x7fb"}},
		"scope":     {"", " ", "orders:read ", "orders:read  inventory:read", []string{"orders:read"}, nil, "orders:r\u00e9ad"},
		"customer":  {5, "", []string{"c"}},
	} {
		for i, value := range values {
			add(fmt.Sprintf("%s, bad value %d", name, i+1), token(good.With(name, value)))
		}
	}
	plain := good.String()
	for name, member := range map[string]string{
		"a claim twice":                 `"sub":"x"`,
		"a claim twice, one escaped":    `"s\u0075b":"x"`,
		"exp twice":                     `"exp":99999999999`,
		"a member twice, deep inside":   `"x":[{"y":{"a":1,"a":2}}]`,
		"half a surrogate pair":         `"customer":"\ud800"`,
		"an exponent that overflows":    `"nbf":1e999`,
		"claims that are not UTF-8":     "\"x\":\"\xff\"",
		"claims with an overlong UTF-8": "\"x\":\"\xc0\xaf\"",
	} {
		add(name, f.EdDSA.Signed(f.EdDSA.Header().String(), strings.TrimSuffix(plain, "}")+","+member+"}"))
	}
	for name, text := range map[string]string{
		"claims that are an array": "[" + plain + "]", "claims and more claims": plain + plain, "claims that are null": "null",
		"claims cut short": strings.TrimSuffix(plain, "}"), "claims after a mark of the byte order": "\ufeff" + plain,
	} {
		add(name, f.EdDSA.Signed(f.EdDSA.Header().String(), text))
	}
}
