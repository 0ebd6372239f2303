package live_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
	"redline/live"
)

// stream is what a request over the network was answered.
type stream struct {
	status int
	header http.Header
	body   io.Reader
}

// get asks for a stream over the network.
func (r *rig) get(query, accept string) stream {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r.t.Cleanup(cancel)
	where := "http" + strings.TrimPrefix(r.url, "ws") + "?query=" + url.QueryEscape(query)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = response.Body.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return stream{response.StatusCode, response.Header, response.Body}
}

// expectText reads from a stream what has to be exactly this.
func expectText(t *testing.T, body io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(body, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v, want %q", got[:n], err, want)
	}
}

func TestAStreamOfEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	response := r.get("subscription { events }", "text/event-stream")
	if response.status != http.StatusOK {
		t.Errorf("status %d", response.status)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
	} {
		if got := response.header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	expectText(t, response.body, ":\n\n")
	expectText(t, response.body, "event: next\nid: "+cursor(0)+"\n"+
		`data: {"data":{"events":"caught up"},"extensions":{"cursor":"`+cursor(0)+`"}}`+"\n\n")
	r.publish(1, 1)
	expectText(t, response.body, "event: next\nid: "+cursor(1)+"\n"+
		`data: {"data":{"events":"1 "},"extensions":{"cursor":"`+cursor(1)+`"}}`+"\n\n")
	done := r.shutdown(t.Context())
	rest, err := io.ReadAll(response.body)
	retry := regexp.MustCompile(`^retry: (\d+)\n\n$`).FindSubmatch(rest)
	if err != nil || retry == nil {
		t.Fatalf("at last came %q, %v", rest, err)
	}
	if wait, err := strconv.Atoi(string(retry[1])); err != nil || wait >= 1000 {
		t.Errorf("the client is to come back after %d ms", wait)
	}
	if err := await(t, done, "the shutdown"); err != nil {
		t.Error(err)
	}
}

func TestAStreamOfOneAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	for query, want := range map[string]string{
		"{ hello }": "event: next\ndata: {\"data\":{\"hello\":\"hello\"},\"extensions\":{\"field\":\"hello\"}}\n\n",
		"{ fails }": "event: next\ndata: {\"errors\":[{\"message\":\"it failed\",\"extensions\":{\"presented\":true}}],\"data\":null}\n\n",
		// What is refused before it begins is told the same way: a browser's stream
		// that is answered another status is given up for good.
		"subscription { refused }": "event: next\ndata: {\"errors\":[{\"message\":\"no stream for you\",\"extensions\":{\"presented\":true}}]}\n\n",
	} {
		response := r.get(query, "text/event-stream")
		body, err := io.ReadAll(response.body)
		if want = ":\n\n" + want + "event: complete\ndata:\n\n"; err != nil || string(body) != want || response.status != http.StatusOK {
			t.Errorf("%s: status %d, %q, %v, want %q", query, response.status, body, err, want)
		}
	}
	if s := r.door.Stats(); s.Streams > 0 {
		waitFor(t, "the streams' end", func() bool { return r.door.Stats().Streams == 0 })
	}
}

func TestWhatIsNotValidIsAStreamOfOneError(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{})
	for _, query := range []string{"", "{ unknown }", "{ hello", "subscription { events(every: null) }"} {
		l := e.listen(query)
		if m := l.next(); m.event != "next" || m.id != "" || !strings.Contains(m.data, `{"errors":[`) || strings.Contains(m.data, `"data"`) {
			t.Errorf("%q: got %+v", query, m)
		}
		if m := l.next(); m.event != "complete" || m.data != "" {
			t.Errorf("%q: then came %+v", query, m)
		}
		l.expectEnd()
	}
}

func TestLastEventIDBeatsAfter(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{log: &outageLog{events: upTo(1, 9)}})
	l := e.ask(ask{query: after(2), lastEventID: cursor(7)})
	defer l.leave()
	l.expectEvents(8, 9)
	l.expectCaughtUp(9)
	l = e.ask(ask{query: after(2), lastEventID: "no cursor"})
	l.expectRefused(redline.CodeInvalid)
}

func TestAQuietStreamBeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{stream: live.StreamOptions{Heartbeat: 10 * time.Second}})
		l := e.listen("subscription { events }")
		elapse(65 * time.Second)
		l.mu.Lock()
		if got := strings.Count(l.text.String(), ":\n\n"); got != 1+6 {
			t.Errorf("in a minute came %q", l.text.String())
		}
		l.mu.Unlock()
		l.leave()
	})
}

// Only what is being written has to be in time, and what ends the body, which is
// written behind the handler's back, is so as well: whichever side ends the stream.
func TestAStreamsDeadlineIsForItsWrites(t *testing.T) {
	t.Parallel()
	const timeout = 10 * time.Second
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{stream: live.StreamOptions{WriteTimeout: timeout}})
		gone, told := e.listen("subscription { events }"), e.listen("subscription { events }")
		elapse(timeout / 2)
		for _, l := range []*listener{gone, told} {
			if at := l.writeDeadline(); !at.IsZero() {
				t.Errorf("a quiet stream has until %v", at)
			}
		}
		began := time.Now()
		gone.leave()
		e.stop()
		await(t, told.over, "the stream's end")
		for _, l := range []*listener{gone, told} {
			if at := l.writeDeadline(); at.Before(began.Add(timeout)) || at.After(time.Now().Add(timeout)) {
				t.Errorf("the end of a body has until %v, after %v", at, began)
			}
		}
	})
}

func TestAStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{})
		began := time.Now()
		p := supplier(nil, nil, began.Add(time.Minute))
		l := e.ask(ask{query: "subscription { events }", principal: &p})
		l.expectCaughtUp(0)
		elapse(time.Minute - time.Second)
		e.publish(1, 1)
		l.expectEvents(1)
		l.expectRefused(redline.CodeUnauthenticated)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it ended after %v", took)
		}
	})
}

func TestAQueryOverAStreamHasATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{stream: live.StreamOptions{RequestTimeout: 5 * time.Second}})
		began := time.Now()
		l := e.listen("{ hangs }")
		if m := l.next(); !strings.Contains(m.data, context.DeadlineExceeded.Error()) || time.Since(began) != 5*time.Second {
			t.Errorf("after %v came %s", time.Since(began), m.data)
		}
		l.next()
		l.expectEnd()
		// And it ends with its client.
		l = e.listen("{ hangs }")
		synctest.Wait()
		l.leave()
	})
}

// A stream that isn't read ends in the middle, without a word: its client comes back
// with the last position that it has.
func TestASlowStreamIsCutOffAloneAndCanResume(t *testing.T) {
	t.Parallel()
	const most, total = 50, 120
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{door: live.DoorOptions{Limits: live.Limits{QueueMessages: most}}})
		slow, fast := e.listen("subscription { events }"), e.listen("subscription { events }")
		slow.expectCaughtUp(0)
		fast.expectCaughtUp(0)
		slow.stall()
		for id := int64(1); id <= total; id++ {
			e.publish(id, id)
			fast.expectEvents(id)
		}
		synctest.Wait()
		if s := e.door.Stats(); s.CutOff != 1 || s.Subscriptions > 2 {
			t.Errorf("%d were cut off", s.CutOff)
		}
		slow.resume()
		at := int64(0)
		for m, ok := slow.tryNext(); ok; m, ok = slow.tryNext() {
			if m.n != at+1 || m.at.ID != m.n {
				t.Fatalf("after %d came %+v", at, m)
			}
			at = m.n
		}
		if at > most {
			t.Errorf("it was told up to %d", at)
		}
		again := e.ask(ask{query: "subscription { events }", lastEventID: cursor(at)})
		again.expectEvents(upTo(at+1, total)...)
		again.expectCaughtUp(total)
		again.leave()
		fast.leave()
	})
}

// Each part is complete when it is written: with the delimiter that a client waits
// for behind it.
func TestAMultipartSubscription(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	response := r.get("subscription { events }", `multipart/mixed;subscriptionSpec=1.0, application/json`)
	kind, params, err := mime.ParseMediaType(response.header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" || params["boundary"] != "graphql" || params["subscriptionspec"] != "1.0" {
		t.Errorf("the type is %q", response.header.Get("Content-Type"))
	}
	body := bufio.NewReader(response.body)
	expectPart := func(want string) {
		t.Helper()
		expectText(t, body, "\r\nContent-Type: application/json\r\n\r\n"+want+"\r\n--graphql")
	}
	expectText(t, body, "\r\n--graphql")
	expectPart("{}")
	payload := func(value string, at int64) string {
		return fmt.Sprintf(`{"payload":{"data":{"events":%q},"extensions":{"cursor":%q}}}`, value, cursor(at))
	}
	expectPart(payload("caught up", 0))
	r.publish(1, 2)
	expectPart(payload("1 ", 1))
	expectPart(payload("2 ", 2))
	done := r.shutdown(t.Context())
	rest, err := io.ReadAll(body)
	if err != nil || !strings.HasSuffix(string(rest), "\r\n--graphql--\r\n") || !strings.Contains(string(rest), `"payload":null,"errors":[`) {
		t.Errorf("at last came %q, %v", rest, err)
	}
	if err := await(t, done, "the shutdown"); err != nil {
		t.Error(err)
	}
}

func TestMultipartAnswersAreParts(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	for query, want := range map[string]string{
		"{ hello }":                `{"payload":{"data":{"hello":"hello"},"extensions":{"field":"hello"}}}`,
		"subscription { refused }": `{"payload":{"errors":[{"message":"no stream for you","extensions":{"presented":true}}]}}`,
	} {
		response := r.get(query, `multipart/mixed;subscriptionSpec=1.0`)
		reader := multipart.NewReader(response.body, "graphql")
		var got []string
		for {
			part, err := reader.NextPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			text, err := io.ReadAll(part)
			if err != nil || part.Header.Get("Content-Type") != "application/json" || !json.Valid(text) {
				t.Errorf("%s: a part of %v is %q, %v", query, part.Header, text, err)
			}
			got = append(got, string(text))
		}
		if len(got) != 2 || got[0] != "{}" || got[1] != want {
			t.Errorf("%s: got %q, want %s", query, got, want)
		}
	}
}

func TestAStreamOfTooManyIsRefused(t *testing.T) {
	t.Parallel()
	const accept = "multipart/mixed;subscriptionSpec=1.0"
	r := newRig(t, setting{door: live.DoorOptions{MaxPerAddress: 1}})
	in := r.get("subscription { events }", accept)
	expectText(t, in.body, "\r\n--graphql")
	if got := r.get("{ hello }", accept); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("status %d, %v", got.status, got.header)
	}
	// An EventSource would give up for good.
	again := r.get("{ hello }", "text/event-stream")
	if again.status != http.StatusOK {
		t.Errorf("a reader of events gets status %d", again.status)
	}
	expectText(t, again.body, "retry: ")
	full := newRig(t, setting{door: live.DoorOptions{MaxConnections: 1}})
	in = full.get("subscription { events }", accept)
	expectText(t, in.body, "\r\n--graphql")
	if got := full.get("{ hello }", accept); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("status %d, %v", got.status, got.header)
	}
}

// An operation over HTTP belongs to its request, and has what is noted of that; one on
// a websocket doesn't.
func TestAStreamsOperationIsItsRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	within := make(chan bool, 1)
	r.exec.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		if !redline.Resumed(ctx) {
			within <- ctx.Value(http.ServerContextKey) != nil
		}
		return next(ctx)
	})
	for _, accept := range []string{"text/event-stream", "multipart/mixed"} {
		for _, query := range []string{"{ hello }", "subscription { events }"} {
			r.get(query, accept)
			if !<-within {
				t.Errorf("%s as %s is nobody's", query, accept)
			}
		}
	}
	c := r.connect("")
	c.subscribe("1", "subscription { events }")
	if <-within {
		t.Error("on a websocket it is the request's that opened it")
	}
}

// What the server has refused is told, and not run.
func TestStreamsTellWhatWasRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{})
		l := e.ask(ask{query: "{ nothing }", refused: gqlerror.List{gqlerror.Errorf("no such thing")}})
		<-l.over
		const want = "event: next\ndata: {\"errors\":[{\"message\":\"no such thing\"}]}\n\nevent: complete\ndata:\n\n"
		if got := l.text.String(); !strings.HasSuffix(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}
