package supplier

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// segment is one of an interchange; elements[0] is its name.
type segment struct {
	place     Place
	elements  []string
	component byte
}

func (s segment) id() string { return s.element(0) }

// element is the nth, without the spaces that fill it up; empty where it is
// left out.
func (s segment) element(n int) string {
	if n >= len(s.elements) {
		return ""
	}
	return strings.TrimSpace(s.elements[n])
}

// name is an element's, such as QTY02; that of the segment for 0.
func (s segment) name(element int) string {
	id := s.id()
	if len(id) > 3 || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		id = quoted(id)
	}
	if element == 0 {
		return id
	}
	return fmt.Sprintf("%s%02d", id, element)
}

// envelopeError says that a document's segments can't be told apart.
type envelopeError struct {
	segment int
	message string
}

func (e *envelopeError) Error() string { return e.message }

// segments reads an interchange's segments.
type segments struct {
	in                             *bufio.Reader
	element, component, terminator byte
	count                          int
}

// isaLength is that of ISA with its terminator; isaSeparators are the places
// at which its fixed widths put the element separator.
const isaLength = 106

var isaSeparators = []int{3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103}

// openInterchange reads ISA and takes the separators from it.
func openInterchange(in *bufio.Reader) (*segments, segment, error) {
	if err := skipBlank(in, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, segment{}, err
	}
	isa := make([]byte, isaLength)
	n, err := io.ReadFull(in, isa)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, segment{}, err
	}
	refuse := func(format string, args ...any) (*segments, segment, error) {
		return nil, segment{}, &envelopeError{1, fmt.Sprintf(format, args...)}
	}
	if !bytes.HasPrefix(isa[:n], []byte("ISA")) {
		return refuse("an interchange begins with ISA")
	}
	if n < isaLength {
		return refuse("ISA has %d characters with its terminator, and every ISA has %d", n, isaLength)
	}
	s := &segments{in: in, element: isa[3], component: isa[104], terminator: isa[105], count: 1}
	for _, at := range isaSeparators {
		if isa[at] != s.element {
			return refuse("ISA has %q as its %d. character, where its fixed widths put the separator %q", isa[at], at+1, s.element)
		}
	}
	marks := []byte{s.element, s.component, s.terminator}
	for i, mark := range marks {
		if wordByte(mark) || slices.Contains(marks[:i], mark) {
			return refuse("%q can't be a separator: element, component and segment have one each, of no letter, digit or space", mark)
		}
	}
	return s, s.split(isa[:isaLength-1]), nil
}

func wordByte(c byte) bool {
	return c == ' ' || c == '-' || c == '.' || c >= 0x80 || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// next reads a segment; io.EOF is the end.
func (s *segments) next() (segment, error) {
	if err := skipBlank(s.in, s.terminator); err != nil {
		return segment{}, err
	}
	text, err := s.in.ReadSlice(s.terminator)
	s.count++
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return segment{}, &envelopeError{s.count, fmt.Sprintf("is longer than %d KiB", maxLine>>10)}
	case errors.Is(err, io.EOF):
		return segment{}, &envelopeError{s.count, fmt.Sprintf("has no terminator %q", s.terminator)}
	case err != nil:
		return segment{}, err
	}
	return s.split(text[:len(text)-1]), nil
}

// skipBlank passes over what stands between segments for people's eyes.
func skipBlank(in *bufio.Reader, terminator byte) error {
	for {
		c, err := in.ReadByte()
		if err != nil {
			return err
		}
		if c == terminator || !bytes.ContainsRune([]byte("\r\n\t "), rune(c)) {
			return in.UnreadByte()
		}
	}
}

func (s *segments) split(text []byte) segment {
	return segment{
		place:     Place{Segment: s.count},
		elements:  strings.Split(string(text), string(rune(s.element))),
		component: s.component,
	}
}
