package store

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A client's secret is rls_, then 32 random bytes, then their CRC-32 (IEEE, big-endian),
// both as base64url: 53 characters. The beginning and the checksum are for those who
// look for secrets that got to where they don't belong; neither proves anything.
const (
	secretPrefix = "rls_"
	secretBytes  = 32
)

// newSecret makes a secret, and what is kept of it.
func newSecret() (secret string, hash []byte, err error) {
	random := make([]byte, secretBytes)
	if _, err := rand.Read(random); err != nil {
		return "", nil, fmt.Errorf("making a secret: %w", err)
	}
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(random))
	secret = secretPrefix + base64.RawURLEncoding.EncodeToString(random) + base64.RawURLEncoding.EncodeToString(sum)
	return secret, secretHash(secret), nil
}

// secretHash is what is kept of a secret. A slow hash is for passwords, of which the
// likely ones can be tried: of 256 random bits none is likelier than another, and
// SHA-256 can't be turned round. It would only give whoever floods the endpoint a
// lever on our processors.
func secretHash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// isSecret reports whether a secret is one of those with these hashes. It takes as
// long for any secret, and for no hashes as for one.
func isSecret(secret string, hashes [][]byte) bool {
	given, is := secretHash(secret), 0
	if len(hashes) == 0 {
		_ = subtle.ConstantTimeCompare(given, make([]byte, sha256.Size))
	}
	for _, hash := range hashes {
		is |= subtle.ConstantTimeCompare(given, hash)
	}
	return is == 1
}
