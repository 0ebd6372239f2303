package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"redline/auth"
)

// maxIssuersFileBytes bounds what is read of a file that lists issuers, and of
// the files with their keys.
const maxIssuersFileBytes = 1 << 20

// outsideIssuer is an issuer from the flags or the file. Its Keys are nil where
// it publishes them.
type outsideIssuer struct {
	auth.Issuer
	// jwksURL is where; "" where the issuer tells.
	jwksURL string
}

// discovered is the name of an issuer that tells where its keys are, and "" of
// any other.
func (i outsideIssuer) discovered() string {
	if i.jwksURL != "" {
		return ""
	}
	return i.Name
}

// outside reads the flags and their files, and starts nothing. What is wrong is
// told all at once.
func (f *keyFlags) outside() ([]outsideIssuer, error) {
	switch {
	case f.JWTIssuers != "":
		issuers, err := readIssuers(f.JWTIssuers)
		if err != nil {
			return nil, fmt.Errorf("reading --jwt-issuers %s: %w", f.JWTIssuers, err)
		}
		return issuers, nil
	case f.JWTJWKSURL != "":
		err := auth.CheckJWKSURL(f.JWTJWKSURL)
		if err != nil {
			return nil, fmt.Errorf("reading --jwt-jwks-url: %w", err)
		}
		return []outsideIssuer{{Issuer: f.issuer(nil), jwksURL: f.JWTJWKSURL}}, nil
	case !f.single():
		return nil, nil
	}
	public, err := publicKeys(f.JWTPublicKeys)
	if err != nil {
		err = fmt.Errorf("reading --jwt-public-keys: %w", err)
	}
	secret, secretErr := secretKey(f.JWTSecretFile)
	if secretErr != nil {
		secretErr = fmt.Errorf("reading --jwt-secret-file: %w", secretErr)
	}
	if err := errors.Join(err, secretErr); err != nil {
		return nil, err
	}
	keys, err := auth.NewStaticKeys(append(public, secret...)...)
	if err != nil {
		return nil, fmt.Errorf("reading the keys of tokens: %w", err)
	}
	return []outsideIssuer{{Issuer: f.issuer(keys)}}, nil
}

// issuer is the one that the flags describe. It may give all roles.
func (f *keyFlags) issuer(keys auth.KeySet) auth.Issuer {
	return auth.Issuer{Name: f.JWTIssuer, Audiences: []string{f.JWTAudience}, Keys: keys}
}

// readIssuers reads a file that lists issuers, and the files with keys that it
// names, which are looked for beside it.
func readIssuers(path string) ([]outsideIssuer, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	settings, err := auth.ParseIssuers(text, auth.DefaultIssuer)
	if err != nil {
		return nil, err
	}
	var faults []error
	issuers := make([]outsideIssuer, 0, len(settings))
	for i, s := range settings {
		issuer := outsideIssuer{Issuer: s.Issuer, jwksURL: s.JWKSURL}
		public, err := publicKeys(beside(path, s.PublicKeysFile))
		if err != nil {
			faults = append(faults, fmt.Errorf("[%d].publicKeysFile: %w", i, err))
		}
		secret, err := secretKey(beside(path, s.SecretFile))
		if err != nil {
			faults = append(faults, fmt.Errorf("[%d].secretFile: %w", i, err))
		}
		if keys := slices.Concat(public, secret); len(keys) > 0 {
			if issuer.Keys, err = auth.NewStaticKeys(keys...); err != nil {
				faults = append(faults, fmt.Errorf("[%d].%s: %w", i, cmp.Or(s.PublicKeysFile, s.SecretFile), err))
			}
		}
		issuers = append(issuers, issuer)
	}
	return issuers, errors.Join(faults...)
}

// beside is a path as seen from a file.
func beside(file, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// publicKeys reads a PEM file; without a path there are no keys.
func publicKeys(path string) ([]*auth.Key, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	keys, err := auth.ParsePublicKeys(pem)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// secretKey reads the secret of an HS256 key; without a path there is none.
func secretKey(path string) ([]*auth.Key, error) {
	if path == "" {
		return nil, nil
	}
	secret, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	key, err := auth.NewSecretKey("", bytes.TrimRight(secret, "\r\n"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return []*auth.Key{key}, nil
}

func readSmall(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxIssuersFileBytes+1))
	if err == nil && len(text) > maxIssuersFileBytes {
		err = fmt.Errorf("%s is longer than %d bytes", path, maxIssuersFileBytes)
	}
	return text, err
}
