package server_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"redline"
	"redline/auth"
	"redline/server"
)

// instantSchema is Redline's contract, of which every operation is answered at
// once and alike: what is left is what a request costs at the door.
type instantSchema struct {
	schema *ast.Schema
	data   []byte
	// executions is how many operations were begun.
	executions atomic.Int64
}

func (s *instantSchema) Schema() *ast.Schema { return s.schema }

func (s *instantSchema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (s *instantSchema) Exec(context.Context) graphql.ResponseHandler {
	s.executions.Add(1)
	return graphql.OneShot(&graphql.Response{Data: s.data})
}

const (
	pageQuery = `query Page($category: [String!], $first: Int!) {
	products(filter: { category: $category }, first: $first) { nodes { id sku name price { amount currency }
		availability { available locations { available stale location { code name kind } } } } }
}`
	placeMutation = `mutation Place($input: OrderPlaceInput!) {
	orderPlace(input: $input) { order { id number status version total { amount currency } lines { id quantity open product { sku name } } }
		userErrors { code message field } replayed cursor }
}`
)

// asked is a request as clients send it.
type asked struct {
	name  string
	token string
	body  []byte
}

func asks(tb testing.TB) ([]asked, func(context.Context, []string) (redline.Principal, error)) {
	tb.Helper()
	key, err := auth.LoadOrCreateKey(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	keys, err := auth.NewStaticKeys(key.Public())
	if err != nil {
		tb.Fatal(err)
	}
	verifier, err := auth.NewVerifier(auth.VerifierOptions{Issuers: []auth.Issuer{{
		Name: auth.DefaultIssuer, Audiences: []string{auth.DefaultAudience}, Keys: keys,
	}}})
	if err != nil {
		tb.Fatal(err)
	}
	token, err := key.Issue(auth.Claims{
		Issuer: auth.DefaultIssuer, Audience: auth.DefaultAudience, Subject: "my-shop", Role: redline.RoleStorefront, TTL: time.Hour,
	})
	if err != nil {
		tb.Fatal(err)
	}
	body := func(query string, variables map[string]any) []byte {
		encoded, err := json.Marshal(map[string]any{"query": query, "variables": variables})
		if err != nil {
			tb.Fatal(err)
		}
		return encoded
	}
	page := body(pageQuery, map[string]any{"category": []string{"brakes"}, "first": 20})
	place := body(placeMutation, map[string]any{"input": map[string]any{
		"idempotencyKey": "order-81f0c7", "externalReference": "81f0c7", "customer": map[string]any{"id": "c-1", "name": "Ann", "email": "ann@shop.example"},
		"lines":  []any{map[string]any{"sku": "NW-065", "quantity": 40}, map[string]any{"sku": "BRK-PAD-1037", "quantity": 2}},
		"shipTo": map[string]any{"name": "Ann", "lines": []string{"1 Main Street"}, "city": "Springfield", "postalCode": "01101", "country": "US"},
	}})
	authenticate := func(ctx context.Context, given []string) (redline.Principal, error) {
		token, _, err := auth.BearerFrom(given)
		if err != nil {
			return redline.Principal{}, err
		}
		return verifier.Verify(ctx, token)
	}
	return []asked{{"Anonymous", "", page}, {"Token", token, page}, {"Mutation", token, place}}, authenticate
}

// instantServer answers everything with a page of products, some 5 KiB, and
// writes its log as the command does, to nowhere.
func instantServer(tb testing.TB, authenticate func(context.Context, []string) (redline.Principal, error)) (*server.Server, []byte) {
	tb.Helper()
	contract, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		tb.Fatal(err)
	}
	data := []byte(`{"products":{"nodes":[` + strings.TrimSuffix(strings.Repeat(
		`{"id":"prod_01h455vb4pex5vsknk084sn02q","sku":"BRK-PAD-1037","name":"Brake pads, front","price":{"amount":"21.05","currency":"USD"},`+
			`"availability":{"available":120,"locations":[]}},`, 27), ",") + `]}}`)
	schema := &instantSchema{schema: gqlparser.MustLoadSchema(&ast.Source{Input: string(contract)}), data: data}
	exec, err := server.NewExecutor(func() *executor.Executor { return executor.New(schema) }, server.ExecOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { nowhere.Close() })
	s, err := server.New(server.Options{Executor: exec, Authenticate: authenticate, Log: slog.New(slog.NewTextHandler(nowhere, nil))})
	if err != nil {
		tb.Fatal(err)
	}
	return s, data
}

// answerSink takes an answer as net/http does, without a connection.
type answerSink struct {
	header http.Header
	status int
	bytes  int
}

func (w *answerSink) Header() http.Header              { return w.header }
func (w *answerSink) WriteHeader(status int)           { w.status = status }
func (w *answerSink) SetReadDeadline(time.Time) error  { return nil }
func (w *answerSink) SetWriteDeadline(time.Time) error { return nil }
func (w *answerSink) Write(p []byte) (int, error)      { w.bytes += len(p); return len(p), nil }

// BenchmarkRequest is one request from its header to its answer, without
// connection and without executor.
func BenchmarkRequest(b *testing.B) {
	requests, authenticate := asks(b)
	for _, asked := range requests {
		b.Run(asked.name, func(b *testing.B) {
			s, data := instantServer(b, authenticate)
			body := bytes.NewReader(asked.body)
			request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.PathGraphQL, io.NopCloser(body))
			if err != nil {
				b.Fatal(err)
			}
			request.ContentLength = int64(len(asked.body))
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Accept", "application/graphql-response+json, application/json;q=0.9")
			if asked.token != "" {
				request.Header.Set("Authorization", "Bearer "+asked.token)
			}
			out := &answerSink{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(asked.body)
				clear(out.header)
				out.bytes = 0
				s.ServeHTTP(out, request)
				if out.status != http.StatusOK || out.bytes < len(data) {
					b.Fatalf("%d, %d bytes", out.status, out.bytes)
				}
			}
		})
	}
}

// BenchmarkConnection is the same over real connections, 32 at a time, beside
// the least that net/http can do: Floor reads the body and writes the answer.
func BenchmarkConnection(b *testing.B) {
	requests, authenticate := asks(b)
	_, data := instantServer(b, authenticate)
	floor := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		if _, err := w.Write(data); err != nil {
			b.Error(err)
		}
	})
	b.Run("Floor", func(b *testing.B) {
		web := &http.Server{Handler: floor, ReadHeaderTimeout: time.Minute}
		benchmarkConnections(b, requests[0], func(ctx context.Context, listener net.Listener) {
			context.AfterFunc(ctx, func() { web.Close() })
			if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				b.Error(err)
			}
		})
	})
	for _, asked := range requests {
		b.Run(asked.name, func(b *testing.B) {
			s, _ := instantServer(b, authenticate)
			benchmarkConnections(b, asked, func(ctx context.Context, listener net.Listener) {
				if err := s.Serve(ctx, listener); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

func benchmarkConnections(b *testing.B, asked asked, serve func(context.Context, net.Listener)) {
	b.Helper()
	listener, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		serve(ctx, listener)
	}()
	defer func() {
		stop()
		<-ended
	}()
	head := "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" +
		"Accept: application/graphql-response+json, application/json;q=0.9\r\n"
	if asked.token != "" {
		head += "Authorization: Bearer " + asked.token + "\r\n"
	}
	raw := append(fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n", head, len(asked.body)), asked.body...)

	b.SetParallelism(16) // times the processors
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		reader := bufio.NewReaderSize(conn, 16<<10)
		for pb.Next() {
			_, err := conn.Write(raw)
			if err = cmp.Or(err, readAnswer(reader)); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// readAnswer reads one good answer, and allocates nothing.
func readAnswer(from *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := from.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("reading an answer: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
			return fmt.Errorf("the answer begins with %q", line)
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			for _, digit := range value {
				length = 10*length + int(digit-'0')
			}
		}
		if len(line) == 0 {
			break
		}
	}
	if _, err := from.Discard(length); err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	return nil
}
