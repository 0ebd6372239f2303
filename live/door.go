package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"redline"
)

// Limits are how much may wait to be written to one client; who lets more wait is
// cut off. Bytes are those of results, and one result alone may be as long as it
// likes. A zero means the default: 1,000 messages and 4 MiB.
type Limits struct {
	QueueMessages int
	QueueBytes    int
}

// DoorOptions tune a Door. The zero value of each means its default.
type DoorOptions struct {
	Limits
	// MaxConnections is how many may be open; one more is refused with 503.
	// Default 100,000.
	MaxConnections int
	// MaxPerAddress is how many one address, as redline.AddressFrom says it and
	// redline.NetworkOf counts it, may have open; one more is refused with 429.
	// Default 20,000.
	MaxPerAddress int
	// ConnectRate is how many connections a second are let in, in the long run,
	// and ConnectBurst how many at once; one more is refused with 503 and told
	// when to come again. So thousands who lost another gateway come in at a pace
	// at which all of them are served. A rate of 0 lets everybody in; the burst's
	// default is the rate.
	ConnectRate  int
	ConnectBurst int
	// DrainSpread is the time over which Shutdown closes the connections, so that
	// their clients don't all come back at once. Default 0.
	DrainSpread time.Duration
	// Revoked reports whether a principal's token has been revoked. It is asked of every
	// connection when it comes in, when its token changes, and by Revoke; it must be quick.
	// The default is that none is.
	Revoked func(redline.Principal) bool
	// Logger is told of readers that were cut off. Default slog.Default().
	Logger *slog.Logger
}

// Door lets clients in and sees them out: it counts the connections of all
// protocols, and closes them when the gateway stops.
type Door struct {
	broker  *Broker
	options DoorOptions

	mu        sync.Mutex
	open      int            // connections, and those that are being made
	byNetwork map[string]int // open, by whose they count as
	// slots are the open connections. What is done to each of them every so often
	// is done to one slot at a time.
	slots    [slots]map[connection]struct{}
	nextSlot int
	connects bucket
	stopping bool
	idle     chan struct{} // closed when stopping and none is open
}

const slots = 32

// connection is an open connection of either kind.
type connection interface {
	base() *client
	// abandon drops the connection without a word.
	abandon()
}

// NewDoor makes a door to what a broker tells.
func NewDoor(broker *Broker, options DoorOptions) (*Door, error) {
	for name, n := range map[string]int64{
		"MaxConnections": int64(options.MaxConnections), "MaxPerAddress": int64(options.MaxPerAddress),
		"ConnectRate": int64(options.ConnectRate), "ConnectBurst": int64(options.ConnectBurst), "DrainSpread": int64(options.DrainSpread),
		"QueueMessages": int64(options.QueueMessages), "QueueBytes": int64(options.QueueBytes),
	} {
		if n < 0 {
			return nil, fmt.Errorf("door: %s must not be negative", name)
		}
	}
	if broker == nil {
		return nil, errors.New("door: a broker is required")
	}
	options.MaxConnections = orDefault(options.MaxConnections, 100_000)
	options.MaxPerAddress = orDefault(options.MaxPerAddress, 20_000)
	options.ConnectBurst = orDefault(options.ConnectBurst, options.ConnectRate)
	options.QueueMessages = orDefault(options.QueueMessages, 1000)
	options.QueueBytes = orDefault(options.QueueBytes, 4<<20)
	options.Logger = orDefault(options.Logger, slog.Default())
	if options.Revoked == nil {
		options.Revoked = func(redline.Principal) bool { return false }
	}
	d := &Door{broker: broker, options: options, byNetwork: map[string]int{}, idle: make(chan struct{})}
	for i := range d.slots {
		d.slots[i] = map[connection]struct{}{}
	}
	return d, nil
}

// refuse answers a request that isn't let in.
func refuse(w http.ResponseWriter, status int, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(apart(wait).Seconds()))))
	http.Error(w, http.StatusText(status), status)
}

// apart is when somebody who is sent away for some time is to come again: with
// some chance in it, so that those who are sent away don't come together.
func apart(wait time.Duration) time.Duration { return wait + time.Second + rand.N(4*time.Second) }

// admit counts one more connection of an address, or returns the status to refuse
// it with, and when there will be room where that is known.
func (d *Door) admit(address string) (status int, wait time.Duration) {
	network := redline.NetworkOf(address)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.stopping:
		return http.StatusServiceUnavailable, 0
	case d.open >= d.options.MaxConnections:
		d.broker.stats.turnedAway.Add(1)
		return http.StatusServiceUnavailable, 0
	case d.byNetwork[network] >= d.options.MaxPerAddress:
		d.broker.stats.turnedAway.Add(1)
		return http.StatusTooManyRequests, 0
	}
	if d.options.ConnectRate > 0 {
		if wait := d.connects.tryTake(newRate(d.options.ConnectRate, d.options.ConnectBurst)); wait > 0 {
			d.broker.stats.turnedAway.Add(1)
			return http.StatusServiceUnavailable, wait
		}
	}
	d.open++
	d.byNetwork[network]++
	return 0, 0
}

// release counts one connection less.
func (d *Door) release(address string) {
	network := redline.NetworkOf(address)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
	d.byNetwork[network]--
	if d.byNetwork[network] == 0 {
		delete(d.byNetwork, network)
	}
	if d.stopping && d.open == 0 {
		close(d.idle)
	}
}

// enter notes an open connection. It reports false where the door is closing:
// then the connection has to be told so. One whose token was revoked while it came in
// is seen out.
func (d *Door) enter(c connection) (slot int, ok bool) {
	d.mu.Lock()
	slot = d.nextSlot
	d.nextSlot = (d.nextSlot + 1) % slots
	d.slots[slot][c] = struct{}{}
	ok = !d.stopping
	d.mu.Unlock()
	c.base().expel()
	return slot, ok
}

// Revoke ends the connections of those of whom Revoked has become true: sockets close
// with 4403, streams end with an error UNAUTHENTICATED, and what waits to be written
// to them is not written any more. Once it has returned they are told nothing that is
// published from then on. It waits for no client.
func (d *Door) Revoke() {
	for slot := range d.slots {
		for _, c := range d.inSlot(slot) {
			c.base().expel()
		}
	}
}

// gone is the last that is heard of a connection.
func (d *Door) gone(c connection, slot int) {
	d.mu.Lock()
	delete(d.slots[slot], c)
	d.mu.Unlock()
	d.release(c.base().address)
}

// connections are all that are open.
func (d *Door) connections() []connection {
	var all []connection
	for slot := range d.slots {
		all = append(all, d.inSlot(slot)...)
	}
	return all
}

func (d *Door) inSlot(slot int) []connection {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]connection, 0, len(d.slots[slot]))
	for c := range d.slots[slot] {
		list = append(list, c)
	}
	return list
}

const (
	// drainPace is the longest pause between two connections of a drain: a few
	// need no spread.
	drainPace = 20 * time.Millisecond
	// lastCall is how long before the end of a drain what is still running is
	// given up.
	lastCall = time.Second
)

// Shutdown lets nobody in any more, tells those who are in to come back, over
// DrainSpread, and waits until all of their goroutines have ended. Sockets are
// closed with 1012 and the cursor to resume from, streams end. When ctx ends the
// connections left are cut, and Shutdown returns an error at once.
func (d *Door) Shutdown(ctx context.Context) error {
	d.mu.Lock()
	if !d.stopping {
		d.stopping = true
		if d.open == 0 {
			close(d.idle)
		}
	}
	d.mu.Unlock()
	open := d.connections()
	// Each has its own moment in the spread, so that a pause that took too long
	// doesn't make all of it longer.
	pace := min(d.options.DrainSpread/time.Duration(max(len(open), 1)), drainPace)
	began := time.Now()
	for i, c := range open {
		if wait := time.Until(began.Add(time.Duration(i) * pace)); wait > 0 {
			pause(ctx, wait, nil)
		}
		c.base().drainOut()
	}
	// Who is still waiting for an answer shortly before the end is told to come
	// back without it.
	last := make(<-chan time.Time)
	if deadline, ok := ctx.Deadline(); ok {
		timer := time.NewTimer(time.Until(deadline) - lastCall)
		defer timer.Stop()
		last = timer.C
	}
	for waiting := true; waiting; {
		select {
		case <-d.idle:
			return nil
		case <-last:
			for _, c := range d.connections() {
				c.base().hurry()
			}
		case <-ctx.Done():
			waiting = false
		}
	}
	left := d.connections()
	for _, c := range left {
		c.abandon()
	}
	return fmt.Errorf("closing the connections, with %d left: %w", len(left), ctx.Err())
}
