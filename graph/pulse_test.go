package graph_test

import (
	"testing"

	"redline"
)

// Where nobody says what the gateway carries there is no pulse, and no fault.
func TestPulseWithoutALoad(t *testing.T) {
	t.Parallel()
	got := newRoom(newEventLog()).run(t, principal(redline.RoleOperator), `{pulse{at}}`, "")
	if string(got.Data) != `{"pulse":null}` || len(got.Errors) > 0 {
		t.Errorf("got %s, %v", got.Data, got.Errors)
	}
}
