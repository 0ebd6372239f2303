package main

import (
	"strings"
	"testing"
)

// What is wrong with a database's URL is said, however short its password is, and the
// password isn't.
func TestDatabaseURLFaults(t *testing.T) {
	t.Parallel()
	for url, word := range map[string]string{
		"postgres://u:p@127.0.0.1/x?sslmode=bogus":             "bogus",
		"postgres://u:hunter2@127.0.0.1/x?sslmode=bogus":       "bogus",
		"postgres://u@127.0.0.1/x?password=hunter2&sslmode=no": "sslmode",
		"postgres://u:hunter2@127.0.0.1/x?sslmode=hunter2":     "can't be read",
		"postgres://u:hunter2@127.0.0.1:none/x":                "of the form",
		"mysql://u:hunter2@127.0.0.1/x":                        "of the form",
	} {
		err := (&databaseFlags{DatabaseURL: url}).check()
		if err == nil || !strings.Contains(err.Error(), "--database-url (REDLINE_DATABASE_URL)") || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
