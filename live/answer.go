package live

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// answer is one result of an operation, ready to be written. Those of a live
// operation are shared by all who are told of them, and never changed.
type answer struct {
	// payload is the execution result as JSON.
	payload []byte
	// cursor is its position as clients are told it; "" where it has none.
	cursor string
	// id is that of the event that it tells of, and before of the one published
	// before that: who was told of everything but this can resume from there.
	id, before int64
	// delivery is its way to its readers, nil where its trace isn't recorded.
	delivery *delivery
	// subject is what it tells of: of two that wait, the newer stands for both
	// where only the newest is wanted. "" stands for itself alone.
	subject string
	// caughtUp says that it tells of nothing but that all has been told.
	caughtUp bool
	// inState says that it is of an unfinished snapshot, which has to begin again
	// where it isn't delivered.
	inState bool
}

// nowhere is the position of what no resume has to go back for.
const nowhere = math.MaxInt64

// kind is what a message says, whichever protocol writes it.
type kind uint8

const (
	kindNext     kind = iota + 1 // a result of an operation
	kindError                    // an operation's end: why it was refused or has failed
	kindComplete                 // an operation's end
	kindText                     // a message of the protocol's own, as it stands
	kindPing                     // control frames
	kindPong
)

// message is something to be written to a client.
type message struct {
	kind kind
	// op is the operation whose message it is, nil for the client's own.
	op     *operation
	answer *answer
}

// size is how much of a client's queue the message takes, in bytes.
func (m message) size() int { return len(m.answer.payload) }

// text is a message of the protocol's own.
func text(payload []byte) message {
	return message{kind: kindText, answer: &answer{payload: payload, before: nowhere}}
}

// encodeResult writes the result of a live operation with its cursor among the
// extensions. Result and buffer belong to the executor, and are copied.
func encodeResult(r *graphql.Response, cursor string) ([]byte, error) {
	if len(r.Extensions) > 0 {
		r.Extensions["cursor"] = cursor
		payload, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("writing a result: %w", err)
		}
		return payload, nil
	}
	b := make([]byte, 0, len(r.Data)+len(`{"data":,"extensions":{"cursor":""}}`)+len(cursor))
	b = append(b, '{')
	if len(r.Errors) > 0 {
		list, err := json.Marshal(r.Errors)
		if err != nil {
			return nil, fmt.Errorf("writing a result's errors: %w", err)
		}
		b = append(append(append(b, `"errors":`...), list...), ',')
	}
	b = append(append(b, `"data":`...), r.Data...)
	b = append(append(append(b, `,"extensions":{"cursor":"`...), cursor...), `"}}`...)
	return b, nil
}

// encodeErrors writes the payload of an error message. Errors hold values that
// extensions were given; where those can't be written, all that is left to say
// is that it failed.
func encodeErrors(list gqlerror.List) []byte {
	if payload, err := json.Marshal(list); err == nil && len(list) > 0 {
		return payload
	}
	return []byte(`[{"message":"internal error"}]`)
}
