package server

import (
	"mime"
	"strconv"
	"strings"
)

// The media types of answers.
const (
	mediaJSON    = "application/json"
	mediaGraphQL = "application/graphql-response+json"
)

// negotiate picks the media type of an answer from what the Accept headers say (RFC 9110 §12.5.1): the one with the higher quality, and on a tie, a
// wildcard or no header at all application/graphql-response+json, as the
// specification has it since 2025. It reports false where neither will do.
func negotiate(ranges []mediaRange) (string, bool) {
	if ranges == nil {
		return mediaGraphQL, true
	}
	graphql, plain := quality(ranges, mediaGraphQL), quality(ranges, mediaJSON)
	switch {
	case graphql > 0 && graphql >= plain:
		return mediaGraphQL, true
	case plain > 0:
		return mediaJSON, true
	default:
		return "", false
	}
}

// The media types of streams.
const (
	mediaEventStream = "text/event-stream"
	mediaMultipart   = "multipart/mixed"
)

// streaming is whether an answer may be, or has to be, a stream.
type streaming struct {
	// multipart is the kind of the stream: a multipart subscription, or
	// server-sent events.
	multipart bool
	// wanted says that subscriptions may be streamed, and only that nothing else
	// would do.
	wanted, only bool
}

// negotiateStream says whether the client takes streams. It has to say so by name: a wildcard asks for none.
func negotiateStream(ranges []mediaRange) streaming {
	named := func(pattern string) (best float64) {
		for _, r := range ranges {
			if r.pattern == pattern {
				best = max(best, r.quality)
			}
		}
		return best
	}
	events, parts := named(mediaEventStream), named(mediaMultipart)
	s := streaming{wanted: events > 0 || parts > 0, multipart: parts > events}
	s.only = s.wanted && named(mediaGraphQL) == 0 && named(mediaJSON) == 0
	return s
}

type mediaRange struct {
	pattern string
	quality float64
}

// mediaRanges reads Accept. It is nil where the client has no wish at all.
// Ranges that are malformed, or ask for another charset than UTF-8, match
// nothing: they are kept out, and leave the others as they are.
func mediaRanges(accept []string) []mediaRange {
	list := strings.Join(accept, ",")
	if strings.Trim(list, ", \t") == "" {
		return nil
	}
	ranges := []mediaRange{}
	for part := range strings.SplitSeq(list, ",") {
		if !strings.Contains(part, ";") {
			ranges = append(ranges, mediaRange{strings.ToLower(strings.Trim(part, " \t")), 1})
			continue
		}
		pattern, parameters, err := mime.ParseMediaType(part)
		if err != nil || !isUTF8(parameters["charset"]) {
			continue
		}
		q := 1.0
		if text, ok := parameters["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil || !(q >= 0 && q <= 1) {
				continue
			}
		}
		ranges = append(ranges, mediaRange{pattern, q})
	}
	return ranges
}

// quality is what the most specific range that matches gives the type: the
// type itself before application/*, and that before */*.
func quality(ranges []mediaRange, mediaType string) float64 {
	for _, pattern := range []string{mediaType, "application/*", "*/*"} {
		best, found := 0.0, false
		for _, r := range ranges {
			if r.pattern == pattern {
				best, found = max(best, r.quality), true
			}
		}
		if found {
			return best
		}
	}
	return 0
}

// isUTF8 takes an absent charset for UTF-8, as the specification says.
func isUTF8(charset string) bool {
	return charset == "" || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}
