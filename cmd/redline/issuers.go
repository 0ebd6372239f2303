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

// outside reads the flags and their files, and starts nothing. What is wrong with any
// of them is told all at once; flags that don't go together are check's to refuse.
func (f *keyFlags) outside() (issuers []outsideIssuer, err error) {
	var faults []error
	if f.JWTIssuers != "" {
		if issuers, err = readIssuers(f.JWTIssuers); err != nil {
			faults = append(faults, fmt.Errorf("reading --jwt-issuers %s: %w", f.JWTIssuers, err))
		}
	}
	if f.JWTJWKSURL != "" {
		if err := auth.CheckJWKSURL(f.JWTJWKSURL); err != nil {
			faults = append(faults, fmt.Errorf("reading --jwt-jwks-url: %w", err))
		}
		issuers = append(issuers, outsideIssuer{Issuer: f.issuer(nil), jwksURL: f.JWTJWKSURL})
	}
	keys, err := f.staticKeys()
	if err != nil {
		faults = append(faults, err)
	} else if keys != nil {
		issuers = append(issuers, outsideIssuer{Issuer: f.issuer(keys)})
	}
	return issuers, errors.Join(faults...)
}

// staticKeys reads the keys of the one issuer that the flags describe; nil where no
// file with keys is set.
func (f *keyFlags) staticKeys() (auth.KeySet, error) {
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
	all := slices.Concat(public, secret)
	if len(all) == 0 {
		return nil, nil
	}
	keys, err := auth.NewStaticKeys(all...)
	if err != nil {
		return nil, fmt.Errorf("reading the keys of tokens: %w", err)
	}
	return keys, nil
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
	// What can be read of a faulty file is looked at too: its keys may be at fault as well.
	settings, err := auth.ParseIssuers(text, auth.DefaultIssuer)
	faults := []error{err}
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
