package live

import (
	"context"
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
			s.send(text(encode(typePong, m.payload)))
		}
	case typePong:
		// It says that the peer lives, which reading it has noted.
	case typeSubscribe:
		s.subscribe(m)
	case typeComplete:
		s.complete(idJSON(m.id))
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
	s.disarm()
	s.mu.Unlock()
	p, ok := s.authenticate(m.authorization)
	if !ok {
		return
	}
	s.mu.Lock()
	s.principal, s.ready = p, true
	s.expelLocked()
	s.mu.Unlock()
	s.watchExpiry(p)
	s.send(text(encode(typeAck, nil)))
}

// authenticate says who the client is, or closes the socket.
func (s *socket) authenticate(authorization *string) (p *redline.Principal, ok bool) {
	before := s.present()
	ctx, cancel := context.WithTimeout(s.context(before), authenticateTimeout)
	defer cancel()
	value := ""
	if authorization != nil {
		value = *authorization
	}
	known, err := s.transport.options.Authenticate(ctx, value, authorization != nil)
	if err != nil {
		// As for a request: the peer is told nothing of why.
		s.door.options.Logger.InfoContext(ctx, "token refused", "reason", err.Error(), "address", s.address)
		s.close(CloseForbidden, "Forbidden")
		return nil, false
	}
	return shared(known), true
}

// watchExpiry closes the socket when the principal's token ends.
func (s *socket) watchExpiry(p *redline.Principal) {
	if p.ExpiresAt.IsZero() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.disarm()
		return
	}
	s.arm(time.Until(p.ExpiresAt), CloseForbidden, "Token expired")
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
	s.lookAgain(p)
	return true
}

// subscribe begins an operation of any kind.
func (s *socket) subscribe(m clientMessage) {
	id := idJSON(m.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing || s.draining:
	case !s.ready:
		s.closeLocked(CloseUnauthorized, "Unauthorized")
	case s.find(id) != nil:
		s.closeLocked(CloseIDInUse, "Subscriber for "+m.id+" already exists")
	default:
		op, ctx := s.newOperation(id)
		if len(s.operations) >= s.transport.options.MaxOperations {
			op.stop()
			refused := redline.Errorf(codeTooManyOperations, nil, "too many operations are running on this socket")
			list := present(ctx, s.exec, nil, refusal(refused), s.broker.options.Logger)
			s.sendLocked(message{kind: kindError, op: op, answer: &answer{payload: encodeErrors(list), before: nowhere}})
			return
		}
		s.operations = append(s.operations, op)
		s.work.Add(1)
		go op.run(ctx, m.params, s.transport.options.RequestTimeout)
	}
}

// complete ends an operation because the client has had enough of it. One that
// is not there has just ended by itself, or never was, and the protocol says to
// take no notice; but what waits to be written of it is not written any more,
// because the client may use the id for another one right away.
func (s *socket) complete(id string) {
	s.mu.Lock()
	op := s.find(id)
	s.outbox.discard(id)
	if op != nil {
		op.silence()
	}
	s.mu.Unlock()
	if op != nil {
		op.leave()
	}
}
