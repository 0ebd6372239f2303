package supplier

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// JSONLines reads a JSON object from each line, of at most 64 KiB. Its members
// are those of the contract's SupplierFeedRow, written as there: supplierSku and
// quantity, and locationCode, unit and cost, which may be null or left out. A
// cost is a number or a string. Other members are refused, and so is one that is
// there twice. Blank lines don't count. The text is UTF-8, with or without a
// byte order mark.
type JSONLines struct{}

// Read reads a document of JSON lines.
func (JSONLines) Read(name string, document io.Reader) (*Feed, error) {
	in, err := open(document)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	feed, found := &Feed{}, newProblems(name)
	for at := (Place{Line: 1}); !found.full(); at.Line++ {
		line, long, err := nextLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		switch line = bytes.TrimSpace(line); {
		case long:
			found.add(at, "", "", "is longer than %d KiB", maxLine>>10)
		case len(line) > 0:
			if row, fine := readObject(found, at, line); fine && !found.room(feed, row) {
				return found.result(feed)
			}
		}
		if err != nil {
			break
		}
	}
	return found.result(feed)
}

// nextLine reads to the end of a line; of one that is too long it gives nothing.
func nextLine(in *bufio.Reader) (line []byte, long bool, err error) {
	line, err = in.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		line, long = nil, true
		_, err = in.ReadSlice('\n')
	}
	return line, long, err
}

// readObject reads one row, and reports whether nothing is wrong with it.
func readObject(found *problems, at Place, line []byte) (Row, bool) {
	row := Row{Place: at}
	if !utf8.Valid(line) {
		found.add(at, "", "", "is not UTF-8")
		return row, false
	}
	members, order, err := readMembers(line)
	if err != nil {
		found.add(at, "", "", "%v", err)
		return row, false
	}
	fine := true
	fail := func(member string, err error) {
		fine = false
		found.add(at, "member "+member, row.SupplierSKU, "%v", err)
	}
	// The SKU first, wherever it stands: the other problems name it.
	if row.SupplierSKU, err = stringMember(members["supplierSku"]); err != nil {
		fail("supplierSku", err)
	}
	if row.Quantity, err = quantityMember(members["quantity"]); err != nil {
		fail("quantity", err)
	}
	for _, name := range order {
		raw, err := members[name], error(nil)
		switch name {
		case "supplierSku", "quantity":
		case "locationCode":
			if !isNull(raw) {
				var code string
				code, err = stringMember(raw)
				row.LocationCode = &code
			}
		case "unit":
			if !isNull(raw) {
				var unit string
				if unit, err = stringMember(raw); err == nil {
					row.Unit, err = parseUnit(unit)
				}
			}
		case "cost":
			if !isNull(raw) {
				row.Cost, err = parseCost(string(bytes.Trim(raw, `"`)))
			}
		default:
			name, err = quoted(name), errors.New("is not known: there are supplierSku, quantity, locationCode, unit and cost")
		}
		if err != nil {
			fail(name, err)
		}
	}
	return row, fine
}

// readMembers reads a JSON object's members as they are, and their order.
func readMembers(line []byte) (map[string]json.RawMessage, []string, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, nil, errors.New("is not a JSON object")
	}
	members := map[string]json.RawMessage{}
	var order []string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, nil, fmt.Errorf("is not JSON: %w", err)
		}
		name, _ := key.(string) // an object's keys are strings, or not JSON
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, nil, fmt.Errorf("is not JSON: %w", err)
		}
		if _, twice := members[name]; twice {
			return nil, nil, fmt.Errorf("has the member %s twice", quoted(name))
		}
		members[name] = raw
		order = append(order, name)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, errors.New("is not JSON: the object has no end")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("has more than one object")
	}
	return members, order, nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// stringMember reads a string that must be there and not be empty.
func stringMember(raw json.RawMessage) (string, error) {
	if isNull(raw) {
		return "", errors.New("is missing")
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", fmt.Errorf("%s is not a string", shown(raw))
	}
	return parseText(text)
}

// quantityMember reads a number that must be there and be a whole one.
func quantityMember(raw json.RawMessage) (int, error) {
	if isNull(raw) {
		return 0, errors.New("is missing")
	}
	if c := raw[0]; c != '-' && (c < '0' || c > '9') {
		return 0, fmt.Errorf("%s is not a number", shown(raw))
	}
	return parseQuantity(string(raw))
}

// shown is a value in an error, as it was written.
func shown(raw json.RawMessage) string {
	const most = 40
	if len(raw) > most {
		return string(bytes.ToValidUTF8(raw[:most], nil)) + "…"
	}
	return string(raw)
}
