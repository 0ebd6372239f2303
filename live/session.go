package live

import (
	"context"
	"slices"
	"time"

	"redline"
)

// authenticateTimeout bounds one call of Authenticate, which may have to fetch
// keys.
const authenticateTimeout = 10 * time.Second

// handle does what a client's message asks for. Only the reader calls it.
func (s *socket) handle(body []byte) {
	defer s.guard()
	m, err := parseMessage(body)
	if err != nil {
		s.close(CloseBadMessage, "Invalid message: "+err.Error())
		return
	}
	switch m.kind {
	case typeInit:
		s.initialise(m)
	case typePing:
		if s.refresh(m.authorization) {
			s.send(text("", encode(typePong, nil, m.payload)))
		}
	case typePong:
		// It says that the peer lives, which reading it has noted.
	case typeSubscribe:
		s.subscribe(m)
	case typeComplete:
		s.complete(m.id)
	}
}

// initialise answers connection_init.
func (s *socket) initialise(m clientMessage) {
	if s.initialised {
		s.close(CloseSecondInit, "Too many initialisation requests")
		return
	}
	s.initialised = true
	s.mu.Lock()
	s.disarm(&s.initAlarm)
	s.mu.Unlock()
	p, ok := s.authenticate(m.authorization)
	if !ok {
		return
	}
	s.mu.Lock()
	s.principal, s.ready = p, true
	s.mu.Unlock()
	s.watchExpiry(p)
	s.send(text("", encode(typeAck, nil, nil)))
}

// authenticate says who the client is, or closes the socket.
func (s *socket) authenticate(authorization *string) (p redline.Principal, ok bool) {
	ctx, cancel := context.WithTimeout(s.ctx, authenticateTimeout)
	defer cancel()
	value := ""
	if authorization != nil {
		value = *authorization
	}
	p, err := s.transport.options.Authenticate(ctx, value, authorization != nil)
	if err != nil {
		s.transport.options.Logger.DebugContext(s.ctx, "a socket was refused", "address", s.address, "error", err)
		s.close(CloseForbidden, "Forbidden")
		return p, false
	}
	return p, true
}

// watchExpiry closes the socket when the principal's token ends.
func (s *socket) watchExpiry(p redline.Principal) {
	if p.ExpiresAt.IsZero() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.disarm(&s.expiryAlarm)
		return
	}
	s.arm(&s.expiryAlarm, time.Until(p.ExpiresAt), func() {
		s.close(CloseForbidden, "Token expired")
	})
}

// refresh takes a ping's authorization, if it has one, for the socket's new
// token. It reports whether the socket goes on.
func (s *socket) refresh(authorization *string) bool {
	if authorization == nil {
		return true
	}
	s.mu.Lock()
	old, ready := s.principal, s.ready
	s.mu.Unlock()
	if !ready {
		s.close(CloseUnauthorized, "Unauthorized")
		return false
	}
	p, ok := s.authenticate(authorization)
	if !ok {
		return false
	}
	if p.Issuer != old.Issuer || p.Subject != old.Subject || p.Role != old.Role {
		s.close(CloseForbidden, "Forbidden: the token is somebody else's")
		return false
	}
	s.watchExpiry(p)
	s.mu.Lock()
	s.principal = p
	var ended []*operation
	for _, op := range s.operations {
		// What is running may have changed something already: its answer stands.
		if op.stage != stageRunning && !sameRights(op.principal, p) {
			op.silence()
			s.outbox.discard(op.id)
			ended = append(ended, op)
		}
	}
	s.mu.Unlock()
	for _, op := range ended {
		s.send(text(op.id, op.errorMessage(op.present(nil,
			refusal(redline.CodeForbidden, "the token's rights changed, so the operation was ended")))))
	}
	return true
}

// sameRights reports whether two principals of one role may see and do the same.
func sameRights(a, b redline.Principal) bool {
	return a.Role == b.Role && a.Customer == b.Customer &&
		sameSet(a.Scopes, b.Scopes) && sameSet(a.Suppliers, b.Suppliers)
}

func sameSet(a, b []string) bool {
	within := func(all []string) func(string) bool {
		return func(one string) bool { return !slices.Contains(all, one) }
	}
	return !slices.ContainsFunc(a, within(b)) && !slices.ContainsFunc(b, within(a))
}

// subscribe begins an operation of any kind.
func (s *socket) subscribe(m clientMessage) {
	s.mu.Lock()
	if s.closing || s.draining != nil {
		s.mu.Unlock()
		return
	}
	if !s.ready {
		s.closeLocked(CloseUnauthorized, "Unauthorized")
		s.mu.Unlock()
		return
	}
	if s.operations[m.id] != nil {
		s.closeLocked(CloseIDInUse, "Subscriber for "+m.id+" already exists")
		s.mu.Unlock()
		return
	}
	op := s.newOperation(m.id)
	full := len(s.operations) >= s.transport.options.MaxOperations
	if !full {
		s.operations[m.id] = op
		s.work.Add(1)
	}
	s.mu.Unlock()
	if full {
		defer op.cancel()
		s.send(text(op.id, op.errorMessage(op.present(nil,
			refusal(codeTooManyOperations, "too many operations are running on this socket")))))
		return
	}
	go op.run(m.params)
}

// complete ends an operation because the client has had enough of it. One that
// is not there has just ended by itself, or never was, and the protocol says to
// take no notice; but what waits to be written of it is not written any more,
// because the client may use the id for another one right away.
func (s *socket) complete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outbox.discard(id)
	if op := s.operations[id]; op != nil {
		op.silence()
	}
}
