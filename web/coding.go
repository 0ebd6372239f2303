package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// identity stands for no coding, in place of one's number.
const identity = -1

// codings are what a file may be compressed with, the best first.
var codings = [...]struct {
	name     string
	compress func([]byte) []byte
}{
	{"zstd", zstandard},
	{"gzip", gzipped},
}

// compressing is held by whoever compresses: an encoder takes tens of megabytes, and all
// files of a page are asked for at once.
var compressing sync.Mutex

// zstdWindow is how far back a browser has to look, in bytes. More than 8 MiB may not be
// asked of it (RFC 9659), and more than this makes files hardly smaller.
const zstdWindow = 1 << 20

func zstandard(content []byte) []byte {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow))
	if err != nil {
		panic(fmt.Errorf("making an encoder: %w", err)) // only options that make no sense are refused
	}
	return encoder.EncodeAll(content, nil)
}

func gzipped(content []byte) []byte {
	var out bytes.Buffer
	encoder, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(fmt.Errorf("making an encoder: %w", err)) // only a level that makes no sense is refused
	}
	_, err = encoder.Write(content)
	if err == nil {
		err = encoder.Close()
	}
	if err != nil {
		panic(fmt.Errorf("compressing into memory: %w", err))
	}
	return out.Bytes()
}

// preferred is the number of the coding that suits a client best (RFC 9110 §12.5.3), or
// identity: of those with the highest weight the first.
func preferred(accepted []string) int {
	best, most := identity, weight(accepted, "identity")
	for number, coding := range codings {
		w := weight(accepted, coding.name)
		if w > most || w == most && w > 0 && best == identity {
			best, most = number, w
		}
	}
	return best
}

// weight is how much a client wants a coding, from 0 to 1: by its name, or else by what
// is said of all others.
func weight(accepted []string, coding string) float64 {
	var others float64
	for _, list := range accepted {
		for one := range strings.SplitSeq(list, ",") {
			name, parameters, _ := strings.Cut(one, ";")
			name = strings.TrimSpace(name)
			switch {
			case strings.EqualFold(name, coding):
				return quality(parameters)
			case name == "*" && coding != "identity":
				others = quality(parameters)
			}
		}
	}
	return others
}

// quality reads q=…, which is 1 where it isn't said, and 0 where it makes no sense.
func quality(parameters string) float64 {
	name, value, said := strings.Cut(strings.TrimSpace(parameters), "=")
	if !said || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
