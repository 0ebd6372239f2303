package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"redline"
	"redline/supplier"
)

// rowError is one thing that is wrong with a row, where the document has it.
type rowError struct {
	place   supplier.Place
	sku     string
	code    redline.ErrorCode
	field   string
	message string
}

// problemErrors are a document's own, as the gateway would have called them.
func problemErrors(wrong *supplier.Errors) []rowError {
	out := make([]rowError, len(wrong.Problems))
	for i, p := range wrong.Problems {
		out[i] = rowError{p.Place, p.SupplierSKU, redline.CodeInvalid, p.Where, p.Message}
	}
	return out
}

// totals are what came of a feed, in all its calls.
type totals struct {
	feedPayload
	rowErrors []rowError
}

// add adds what came of one call, whose rows these were. A call that was refused
// as a whole is an error.
func (t *totals) add(p *feedPayload, rows []supplier.Row) error {
	t.Applied += p.Applied
	t.Unchanged += p.Unchanged
	t.Rejected += p.Rejected
	t.Emptied += p.Emptied
	t.Held = t.Held || p.Held
	t.Replayed = t.Replayed || p.Replayed
	t.Conflicts = append(t.Conflicts, p.Conflicts...)
	for _, row := range p.Rows {
		for _, e := range row.UserErrors {
			t.rowError(e, row.Index, rows)
		}
	}
	var refused []error
	for _, e := range p.UserErrors {
		if len(e.Field) > 1 && e.Field[0] == "rows" {
			if index, err := strconv.Atoi(e.Field[1]); err == nil {
				t.rowError(e, index, rows)
				continue
			}
		}
		refused = append(refused, fmt.Errorf("%s: %s", e.Code, e.Message))
	}
	switch {
	case len(refused) > 0:
		return fmt.Errorf("the feed was refused: %w", errors.Join(refused...))
	case len(p.UserErrors) > 0:
		return errors.New("the feed was refused for rows of it")
	}
	return nil
}

func (t *totals) rowError(e userError, index int, rows []supplier.Row) {
	if index < 0 || index >= len(rows) {
		return // none of ours
	}
	field := e.Field
	if len(field) > 2 {
		field = field[2:] // behind rows, N
	} else {
		field = nil
	}
	t.rowErrors = append(t.rowErrors, rowError{rows[index].Place, rows[index].SupplierSKU, e.Code, strings.Join(field, "."), e.Message})
}

// shownMost is how many conflicts are printed, and how many rows' errors where
// no file takes them.
const shownMost = 20

// report prints what came of the rows that were sent.
func (c *feedCmd) report(io streams, s *statement, t totals, sent int) {
	if c.Errors == "" {
		for i, e := range t.rowErrors {
			if i == shownMost {
				fmt.Fprintf(io.err, "and %d more; --errors FILE has them all\n", len(t.rowErrors)-i)
				break
			}
			where := fmt.Sprintf("%s, %s, SKU %s", s.name, e.place, e.sku)
			if e.field != "" {
				where += ", " + e.field
			}
			fmt.Fprintf(io.err, "%s: %s: %s\n", where, e.code, e.message)
		}
	}
	if sent == 0 {
		return
	}
	if sent < len(s.Rows) {
		fmt.Fprintf(io.out, "of the first %d rows, up to %s, which stand:\n", sent, s.Rows[sent-1].Place)
	}
	if c.DryRun {
		fmt.Fprintln(io.out, "dry run, nothing was kept; it would have come to:")
	}
	fmt.Fprintf(io.out, "applied %d, unchanged %d, rejected %d\n", t.Applied, t.Unchanged, t.Rejected)
	if t.Emptied > 0 {
		fmt.Fprintf(io.out, "of these %d levels that the document leaves out are emptied\n", t.Emptied)
	}
	if t.Replayed {
		fmt.Fprintln(io.out, "replayed: this was sent before, and is what came of it then; nothing was done twice")
	}
	for i, one := range t.Conflicts {
		if i == shownMost {
			fmt.Fprintf(io.out, "and %d more conflicts, which the query conflicts lists\n", len(t.Conflicts)-i)
			break
		}
		if c.DryRun { // nobody could find it
			fmt.Fprintf(io.out, "conflict %s: %s\n", one.Kind, one.Summary)
			continue
		}
		fmt.Fprintf(io.out, "conflict %s %s: %s\n", one.Kind, one.ID, one.Summary)
	}
}

// held says what became of a feed that was kept for a person: nil where it was
// applied. Reference is what the gateway calls the feed: another may have taken its
// place, with the same conflict.
func (c *feedCmd) held(io streams, t totals, reference string) error {
	if c.DryRun {
		return errors.New("the feed would wait for a person, and nothing of it would be applied: conflict MASS_ZEROING")
	}
	n := slices.IndexFunc(t.Conflicts, func(one conflict) bool { return one.Kind == redline.ConflictMassZeroing })
	switch {
	case n < 0 && t.Replayed:
		return errors.New("the feed was to wait for a person, and nothing of it was applied at first; what became of it a token with conflicts:read can see")
	case n < 0:
		return errors.New("the feed waits for a person, and nothing of it was applied: its conflict can be seen with conflicts:read")
	}
	one, why := t.Conflicts[n], ""
	if one.Resolution != nil {
		why = ": " + *one.Resolution
	}
	for _, fact := range one.Facts {
		if fact.Name == "feed" && fact.Value != reference {
			return fmt.Errorf("the feed was let go, and nothing of it was applied: %s took its place, whose conflict %s is %s%s", fact.Value, one.ID, one.Status, why)
		}
	}
	switch one.Status {
	case redline.ConflictResolved:
		fmt.Fprintf(io.out, "it waited for a person, and was applied since: conflict %s is %s%s\n", one.ID, one.Status, why)
		return nil
	case redline.ConflictDismissed:
		return fmt.Errorf("the feed was let go, and nothing of it was applied: conflict %s is %s%s", one.ID, one.Status, why)
	}
	return fmt.Errorf("the feed waits for a person, and nothing of it was applied: conflict %s", one.ID)
}

// writeErrors writes the file that --errors names, with a header even where
// nothing is wrong.
func (c *feedCmd) writeErrors(list []rowError) (err error) {
	if c.Errors == "" {
		return nil
	}
	file, err := os.Create(c.Errors)
	if err != nil {
		return fmt.Errorf("writing the errors: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := csv.NewWriter(file)
	lines := [][]string{{"line", "supplier_sku", "code", "field", "message"}}
	for _, e := range list {
		line := ""
		if n := e.place.Number(); n > 0 {
			line = strconv.Itoa(n)
		}
		lines = append(lines, []string{line, e.sku, string(e.code), e.field, e.message})
	}
	if err := out.WriteAll(lines); err != nil {
		return fmt.Errorf("writing the errors: %w", err)
	}
	return nil
}

// progress shows how many rows were answered for: as a bar on a terminal, else
// as a line for each call where there are several.
type progress struct {
	bar       *progressbar.ProgressBar
	io        streams
	sent, all int
}

func newProgress(io streams, rows int) *progress {
	p := &progress{io: io, all: rows}
	if file, is := io.err.(*os.File); is && term.IsTerminal(int(file.Fd())) {
		p.bar = progressbar.NewOptions(rows,
			progressbar.OptionSetWriter(file), progressbar.OptionSetDescription("sending"), progressbar.OptionShowCount(),
			progressbar.OptionSetItsString("rows"), progressbar.OptionShowIts(), progressbar.OptionSetWidth(30),
			progressbar.OptionSetRenderBlankState(true), progressbar.OptionClearOnFinish())
	}
	return p
}

// add notes rows that were answered for. What a terminal makes of the bar is no
// matter of the feed's.
func (p *progress) add(rows int) {
	p.sent += rows
	switch {
	case p.bar != nil:
		_ = p.bar.Add(rows)
	case rows < p.all:
		fmt.Fprintf(p.io.err, "%d of %d rows sent\n", p.sent, p.all)
	}
}

// stop leaves the terminal as it was.
func (p *progress) stop() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
