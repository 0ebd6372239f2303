package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

// The types of messages of graphql-transport-ws.
const (
	typeInit      = "connection_init"
	typeAck       = "connection_ack"
	typePing      = "ping"
	typePong      = "pong"
	typeSubscribe = "subscribe"
	typeNext      = "next"
	typeError     = "error"
	typeComplete  = "complete"
)

// maxIDBytes is how long an operation's id may be. Clients count, or use a
// UUID of 36.
const maxIDBytes = 128

// clientMessage is a valid message of a client.
type clientMessage struct {
	kind string
	// id is set for subscribe and complete.
	id string
	// payload is that of connection_init, ping and pong as it was sent; nil
	// where there is none.
	payload json.RawMessage
	// authorization is that member of connection_init's or ping's payload, nil
	// where there is none.
	authorization *string
	// params is subscribe's payload.
	params *graphql.RawParams
}

// parseMessage reads a client's message. It is strict: names count by their
// exact letters, but for authorization's, and members have their types, or it is an error, whose text
// goes to the client and holds nothing of the message.
func parseMessage(body []byte) (clientMessage, error) {
	var m clientMessage
	if !utf8.Valid(body) {
		return m, errors.New("the message is not UTF-8")
	}
	members, err := object(body)
	if err != nil || members == nil {
		return m, errors.New("the message is not a JSON object")
	}
	kind, err := optionalString(members["type"])
	if err != nil || kind == nil {
		return m, errors.New("the message has no type, or one that is not a string")
	}
	m.kind = *kind
	switch m.kind {
	case typeInit, typePing, typePong:
		return m, m.readPayload(members["payload"])
	case typeSubscribe:
		if err := m.readID(members["id"]); err != nil {
			return m, err
		}
		return m, m.readParams(members["payload"])
	case typeComplete:
		return m, m.readID(members["id"])
	default:
		return m, errors.New("the message's type is unknown, or not for clients to send")
	}
}

func (m *clientMessage) readPayload(raw json.RawMessage) error {
	members, err := object(raw)
	if err != nil {
		return fmt.Errorf("the payload of %s is not an object", m.kind)
	}
	if members != nil {
		m.payload = raw
	}
	if m.kind == typePong {
		return nil
	}
	// Many write it as the HTTP header, whose name counts in any case.
	found := false
	for name, value := range members {
		if !strings.EqualFold(name, "authorization") {
			continue
		}
		if found {
			return fmt.Errorf("the payload of %s has more than one authorization", m.kind)
		}
		found = true
		if m.authorization, err = optionalString(value); err != nil {
			return fmt.Errorf("authorization in the payload of %s is not a string", m.kind)
		}
	}
	return nil
}

func (m *clientMessage) readID(raw json.RawMessage) error {
	id, err := optionalString(raw)
	switch {
	case err != nil || id == nil:
		return fmt.Errorf("%s has no id, or one that is not a string", m.kind)
	case *id == "":
		return fmt.Errorf("the id of %s is empty", m.kind)
	case len(*id) > maxIDBytes:
		return fmt.Errorf("the id of %s is longer than %d bytes", m.kind, maxIDBytes)
	}
	m.id = *id
	return nil
}

func (m *clientMessage) readParams(raw json.RawMessage) error {
	members, err := object(raw)
	if err != nil || members == nil {
		return errors.New("the payload of subscribe is not an object")
	}
	query, err := optionalString(members["query"])
	if err != nil {
		return errors.New("query in the payload of subscribe is not a string")
	}
	name, err := optionalString(members["operationName"])
	if err != nil {
		return errors.New("operationName in the payload of subscribe is not a string")
	}
	id, err := optionalString(members["documentId"])
	if err != nil {
		return errors.New("documentId in the payload of subscribe is not a string")
	}
	m.params = &graphql.RawParams{}
	if name != nil {
		m.params.OperationName = *name
	}
	if m.params.Variables, err = values(members["variables"]); err != nil {
		return errors.New("variables in the payload of subscribe is not an object")
	}
	if m.params.Extensions, err = values(members["extensions"]); err != nil {
		return errors.New("extensions in the payload of subscribe is not an object")
	}
	if id != nil && *id != "" {
		if m.params.Extensions == nil {
			m.params.Extensions = map[string]any{}
		}
		m.params.Extensions["documentId"] = *id
	}
	switch {
	case query != nil:
		m.params.Query = *query
	case m.params.Extensions["documentId"] == nil && m.params.Extensions["persistedQuery"] == nil:
		// Without either nothing names a document.
		return errors.New("query in the payload of subscribe is missing")
	}
	return nil
}

// object reads the members of a JSON object; nil for null, or for nothing. A
// struct would take "Type" for "type".
func object(raw json.RawMessage) (members map[string]json.RawMessage, err error) {
	if raw == nil {
		return nil, nil
	}
	err = json.Unmarshal(raw, &members)
	return members, err
}

// optionalString reads a JSON string; nil for null, or for nothing.
func optionalString(raw json.RawMessage) (s *string, err error) {
	if raw == nil {
		return nil, nil
	}
	err = json.Unmarshal(raw, &s)
	return s, err
}

// values reads a JSON object in full; nil for null, or for nothing. Numbers
// keep their digits, as gqlgen wants them.
func values(raw json.RawMessage) (v map[string]any, err error) {
	if raw == nil {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// encode writes a message of ours that is about no operation. payload is JSON, or
// nil to leave it out.
func encode(kind string, payload []byte) []byte {
	b := make([]byte, 0, len(`{"type":"","payload":}`)+len(kind)+len(payload))
	b = append(append(append(b, `{"type":"`...), kind...), '"')
	if payload != nil {
		b = append(append(b, `,"payload":`...), payload...)
	}
	return append(b, '}')
}
