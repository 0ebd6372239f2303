package test_test

import (
	"testing"

	"redline"
	"redline/auth"
)

func adminToken(t testing.TB) string {
	t.Helper()
	return issue(t, auth.Claims{Role: redline.RoleAdmin})
}

// actions are what the audit has of one subject.
func (c caller) actions(t testing.TB, subject string) (actions []string) {
	t.Helper()
	for _, e := range c.pages(t, "auditEntries", `query($subject: ID!, $after: String) { auditEntries(subject: $subject, after: $after) {
		nodes { action outcome issuer actor role requestId } pageInfo { hasNextPage endCursor } } }`, vars{"subject": subject}) {
		if text(e, "issuer") == "" || text(e, "actor") == "" || text(e, "role") == "" || text(e, "outcome") == "" {
			t.Errorf("an entry of the audit is %v", e)
		}
		actions = append(actions, text(e, "action"))
	}
	return actions
}
