package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"redline"
	"redline/supplier"
)

type feedCmd struct {
	caFlags `embed:""`

	File                 string     `arg:"" help:"The document; - is the standard input."`
	Supplier             string     `placeholder:"CODE" help:"Whose stock it is; left out, the one supplier that the token speaks for."`
	Mode                 string     `required:"" enum:"full,partial" placeholder:"full|partial" help:"full: what the document omits, the supplier no longer has. partial: it stays as it is."`
	Format               string     `default:"auto" enum:"auto,csv,jsonl,x12" help:"csv, jsonl or x12; auto goes by the file's name."`
	Measure              string     `default:"auto" enum:"auto,on-hand,available" help:"What the quantities are: on-hand or available; auto goes by the document, and takes on-hand where it doesn't say."`
	AsOf                 *time.Time `placeholder:"TIME" help:"When it was so, as 2026-11-23T04:10:00Z; left out, the document's own date, else the file's, else now."`
	TimeZone             string     `default:"UTC" help:"Where the times of an X12 document were told that name no zone, as America/Chicago."`
	Sequence             *int64     `placeholder:"N" help:"The supplier's own count of its feeds, one more each time."`
	OnRowError           string     `default:"skip" enum:"skip,roll-back" help:"What a row that the gateway rejects does to the others: skip, or roll-back, which a partial feed of more than 1000 rows can't have."`
	IgnoreUnknownColumns bool       `help:"Pass over a CSV's columns of other names."`
	DryRun               bool       `help:"Show what would come of it, and do nothing."`
	Errors               string     `placeholder:"FILE" help:"Where to write all that is wrong with rows, as CSV."`
	Key                  string     `help:"The idempotency key; left out, it follows from the document and these flags, so that a file sent twice is applied once."`
	URL                  string     `default:"http://127.0.0.1:8080" help:"The gateway."`
	Token                string     `help:"Who sends it. Better given as REDLINE_TOKEN."`
}

const (
	// fullRows is the most rows of one call, and so of a FULL feed: its parts
	// could not say what is missing from the whole.
	fullRows = 10_000
	// partialRows is how many rows of a PARTIAL feed go into one call.
	partialRows = 1_000
)

// statement is a document with all that goes beside its rows.
type statement struct {
	*supplier.Feed
	name string
	// digest is the content's, of which the key is made.
	digest  [sha256.Size]byte
	mode    redline.FeedMode
	measure redline.FeedMeasure
	asOf    time.Time
}

// partly ends the program with 2: some of a feed's rows were rejected.
type partly struct{ rejected, rows int }

func (p *partly) Error() string {
	return fmt.Sprintf("%d of %d rows were rejected", p.rejected, p.rows)
}

// Run sends a document, and says what came of it. It ends with 0 where all was
// applied, with 2 where some rows were rejected, and with 1 where it failed, waits
// for a person, or was let go by one.
func (c *feedCmd) Run(ctx context.Context, io streams) error {
	err := c.run(ctx, io)
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted: what was sent may have been applied; to send the same again finds out, and does nothing twice")
	}
	return err
}

func (c *feedCmd) run(ctx context.Context, io streams) error {
	s, err := c.statement(ctx)
	var wrong *supplier.Errors
	if errors.As(err, &wrong) {
		if err := c.writeErrors(problemErrors(wrong)); err != nil {
			return err
		}
		return fmt.Errorf("nothing was sent:\n%w", wrong)
	}
	if err != nil {
		return err
	}
	transport, err := c.transport()
	if err != nil {
		return err
	}
	g, err := newGateway(c.URL, c.Token, transport, io)
	if err != nil {
		return err
	}
	code, id, err := g.supplier(ctx, c.Supplier)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "%s: %d rows of %s, %s, %s as of %s\n", s.name, len(s.Rows), code, s.mode, s.measure, s.asOf.Format(time.RFC3339Nano))
	key := c.key(s, id)
	total, sent, err := c.send(ctx, g, s, id, key, io)
	if wrote := c.writeErrors(total.rowErrors); wrote != nil {
		return errors.Join(err, wrote)
	}
	c.report(io, s, total, sent)
	if err == nil && total.Held {
		named := redline.SupplierFeedInput{IdempotencyKey: key, Sequence: c.Sequence}
		err = c.held(io, total, named.Reference())
	}
	switch {
	case err != nil:
		return err
	case total.Rejected > 0:
		return &partly{total.Rejected, len(s.Rows)}
	}
	return nil
}

// statement reads the document and settles what goes beside its rows.
func (c *feedCmd) statement(ctx context.Context) (*statement, error) {
	format, err := c.format()
	if err != nil {
		return nil, err
	}
	document, name, at, err := c.open()
	if err != nil {
		return nil, err
	}
	s := &statement{name: name, mode: redline.FeedMode(strings.ToUpper(c.Mode))}
	digest := sha256.New()
	s.Feed, err = readUntil(ctx, func() (*supplier.Feed, error) {
		feed, err := format.Read(name, io.TeeReader(document, digest))
		return feed, errors.Join(err, document.Close())
	})
	if err != nil {
		return nil, err
	}
	digest.Sum(s.digest[:0])
	if s.measure, err = c.measure(s.Feed); err != nil {
		return nil, err
	}
	s.asOf = at
	if s.AsOf != nil {
		s.asOf = *s.AsOf
	}
	if c.AsOf != nil {
		s.asOf = *c.AsOf
	}
	s.asOf = s.asOf.UTC().Truncate(time.Microsecond)
	return s, c.check(s)
}

// readUntil reads for as long as ctx lasts. Nothing ends a read of the standard
// input but its writer: one that is given up ends with the process.
func readUntil(ctx context.Context, read func() (*supplier.Feed, error)) (*supplier.Feed, error) {
	type result struct {
		feed *supplier.Feed
		err  error
	}
	done := make(chan result, 1)
	go func() {
		feed, err := read()
		done <- result{feed, err}
	}()
	select {
	case r := <-done:
		return r.feed, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// check refuses what the gateway could only refuse in part, or misunderstand.
func (c *feedCmd) check(s *statement) error {
	switch {
	case s.Test && !c.DryRun:
		return fmt.Errorf("%s says that it is a test (ISA15 is T): try it with --dry-run", s.name)
	case s.mode == redline.FeedFull && len(s.Rows) > fullRows:
		return fmt.Errorf("%s has %d rows, and a full feed may have %d: what is missing from it is emptied, so that it can't be sent in parts", s.name, len(s.Rows), fullRows)
	case s.mode == redline.FeedFull || len(s.Rows) <= partialRows:
		return nil // one call, of which the gateway can judge
	case c.Sequence != nil:
		return fmt.Errorf("%s has %d rows, and a partial feed of more than %d is sent in several calls, which can't all have the one sequence: leave --sequence out, or send parts with sequences of their own",
			s.name, len(s.Rows), partialRows)
	case c.onRowError() == redline.RollBack:
		return fmt.Errorf("%s has %d rows, and a partial feed of more than %d is sent in several calls, which can't be rolled back together: leave --on-row-error out, or send parts of their own",
			s.name, len(s.Rows), partialRows)
	}
	return s.Once(s.name)
}

// formats are the endings of files' names.
var formats = map[string]string{
	".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".x12": "x12", ".edi": "x12", ".846": "x12",
}

func (c *feedCmd) format() (supplier.Format, error) {
	format := c.Format
	if format == "auto" {
		if format = formats[strings.ToLower(filepath.Ext(c.File))]; format == "" {
			return nil, fmt.Errorf("the name %q doesn't say what the document is: give --format csv, jsonl or x12", c.File)
		}
	}
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("reading --time-zone: %w", err)
	}
	return documentFormat(format, c.IgnoreUnknownColumns, zone)
}

// documentFormat is how documents of a format are read; times without a zone are in
// the one given.
func documentFormat(format string, ignoreUnknownColumns bool, zone *time.Location) (supplier.Format, error) {
	switch format {
	case "csv":
		return supplier.CSV{IgnoreUnknownColumns: ignoreUnknownColumns}, nil
	case "jsonl":
		return supplier.JSONLines{}, nil
	case "x12":
		return supplier.X12{Zone: zone}, nil
	}
	return nil, fmt.Errorf("%q is not csv, jsonl or x12", format)
}

// open opens the document, and says when it was written.
func (c *feedCmd) open() (document io.ReadCloser, name string, at time.Time, err error) {
	if c.File == "-" {
		return os.Stdin, "standard input", time.Now(), nil
	}
	file, err := os.Open(c.File)
	if err != nil {
		return nil, "", at, fmt.Errorf("opening the document: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, "", at, errors.Join(fmt.Errorf("opening the document: %w", err), file.Close())
	}
	return file, filepath.Base(c.File), info.ModTime(), nil
}

// measure is the one asked for, which the document must not contradict.
func (c *feedCmd) measure(feed *supplier.Feed) (redline.FeedMeasure, error) {
	said := feed.Measure
	if c.Measure == "auto" {
		if said == nil {
			return redline.FeedOnHand, nil
		}
		return *said, nil
	}
	asked := redline.FeedMeasure(strings.ReplaceAll(strings.ToUpper(c.Measure), "-", "_"))
	if said != nil && *said != asked {
		return "", fmt.Errorf("the document's quantities are %s by its own words, and --measure says %s", *said, asked)
	}
	return asked, nil
}

// send sends the rows, in as many calls as they take. What it returns is of the
// calls that were answered, with how many rows they had.
func (c *feedCmd) send(ctx context.Context, g *gatewayClient, s *statement, supplierID, key string, io streams) (total totals, sent int, err error) {
	size := partialRows
	if s.mode == redline.FeedFull {
		size = fullRows
	}
	several := len(s.Rows) > size
	bar := newProgress(io, len(s.Rows))
	defer bar.stop()
	for chunk := range slices.Chunk(s.Rows, size) {
		rows := make([]redline.SupplierFeedRow, len(chunk))
		for i, row := range chunk {
			rows[i] = row.SupplierFeedRow
		}
		input := feedInput{
			IdempotencyKey: key, SupplierID: supplierID, Mode: s.mode, Measure: s.measure, Sequence: c.Sequence,
			AsOf: s.asOf, OnRowError: c.onRowError(), DryRun: c.DryRun, Rows: rows,
		}
		if several {
			input.IdempotencyKey = fmt.Sprintf("%s-%d", key, sent/size+1)
		}
		payload, err := g.submit(ctx, input)
		if err != nil {
			return total, sent, err
		}
		err = total.add(payload, chunk)
		if err != nil {
			return total, sent, err
		}
		sent += len(chunk)
		bar.add(len(chunk))
	}
	return total, sent, nil
}

func (c *feedCmd) onRowError() redline.OnRowError {
	if c.OnRowError == "roll-back" {
		return redline.RollBack
	}
	return redline.SkipRow
}

// key is the one that was given, or one that follows from all that is sent. A
// dry run has another, so that it stands in nobody's way.
func (c *feedCmd) key(s *statement, supplierID string) string {
	key := c.Key
	if key == "" {
		said, _ := json.Marshal([]any{s.digest[:], supplierID, s.mode, s.measure, c.Sequence, s.asOf, c.OnRowError, c.IgnoreUnknownColumns, c.TimeZone}) // plain values
		sum := sha256.Sum256(said)
		key = hex.EncodeToString(sum[:16])
	}
	if c.DryRun {
		key += "-dry-run"
	}
	return key
}
