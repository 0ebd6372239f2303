package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	signingKeyFile    = "signing-key.pem"
	signingKeyPEMType = "PRIVATE KEY" // PKCS#8
	maxKeyFileBytes   = 16 << 10
)

// SigningKey is an Ed25519 key, of a data directory or of a file of its own, which
// signs the tokens of the gateway's own issuer.
type SigningKey struct {
	private ed25519.PrivateKey
	public  *Key
}

// Public returns the key that verifies what this one signs. Its id is its RFC
// 7638 thumbprint, and every token issued carries it as kid.
func (k *SigningKey) Public() *Key { return k.public }

// Format writes only what is public of the key, whatever the verb.
func (k SigningKey) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "signing %v", k.public)
}

// LoadOrCreateKey reads the signing key of a data directory, signing-key.pem,
// and makes it on first use: the file with mode 0600, and the directory, if it
// is missing, with 0700. Processes that start at the same moment all get the
// same key. A file that others than its owner can use, or that is not an
// Ed25519 key, is an error that names the file; it is never replaced.
func LoadOrCreateKey(dir string) (*SigningKey, error) {
	path := filepath.Join(dir, signingKeyFile)
	key, err := ReadSigningKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of the signing key %s: %w", path, err)
	}
	if err := CreateSigningKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return ReadSigningKey(path)
}

// ReadSigningKey reads the signing key in a file, a PKCS#8 Ed25519 key in PEM. A file
// that others than its owner can use, or that isn't such a key, is an error that names
// the file.
func ReadSigningKey(path string) (*SigningKey, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the signing key: %w", err)
	}
	defer func() { _ = file.Close() }()

	// The open file is asked and not the path, which could be exchanged between.
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the signing key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("the signing key %s is not a file", path)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return nil, fmt.Errorf("the signing key %s is open to other users (mode %04o): chmod 600 %[1]s", path, perm)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFileBytes))
	if err != nil {
		return nil, fmt.Errorf("reading the signing key %s: %w", path, err)
	}
	private, err := parseSigningKey(text)
	if err != nil {
		return nil, fmt.Errorf("the signing key %s is damaged: %w (restore it, or move it away to have a new one made; "+
			"tokens of the old one then end)", path, err)
	}
	return newSigningKey(private)
}

func parseSigningKey(text []byte) (ed25519.PrivateKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != signingKeyPEMType || strings.TrimSpace(string(rest)) != "" {
		return nil, fmt.Errorf("not a single PEM %q block", signingKeyPEMType)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("not a PKCS#8 key")
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a %T instead of an Ed25519 key", parsed)
	}
	return private, nil
}

func newSigningKey(private ed25519.PrivateKey) (*SigningKey, error) {
	public, err := newPublicKey(private.Public())
	if err != nil {
		return nil, err
	}
	return &SigningKey{private: private, public: public}, nil
}

// CreateSigningKey makes a new signing key and puts it into a file, with mode 0600.
// Where there is a file already it is left alone, and the error matches fs.ErrExist.
//
// The key is written whole under another name and then linked: a link fails
// where the name is taken, so exactly one process wins, and nobody ever reads
// half a key.
func CreateSigningKey(path string) error {
	if err := createSigningKey(path); err != nil {
		return fmt.Errorf("making the signing key %s: %w", path, err)
	}
	return nil
}

func createSigningKey(path string) (err error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".signing-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()

	if err := writeAndSync(temp, pem.EncodeToMemory(&pem.Block{Type: signingKeyPEMType, Bytes: der})); err != nil {
		return err
	}
	return os.Link(temp.Name(), path)
}

func writeAndSync(file *os.File, content []byte) error {
	_, err := file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
