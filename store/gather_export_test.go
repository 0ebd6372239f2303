package store

// Gather keeps placements and adjustments in their queues, until release is
// called: then they are taken in batches, as long as such may be. queued says how
// many wait.
func (s *Store) Gather() (queued func() int, release func()) {
	all := []*gatherer[*call]{s.placements, s.adjustments}
	each := func(do func(*gatherer[*call])) {
		for _, g := range all {
			g.mu.Lock()
			do(g)
			g.mu.Unlock()
		}
	}
	each(func(g *gatherer[*call]) { g.running += g.most })
	return func() (n int) {
			each(func(g *gatherer[*call]) { n += len(g.queue) })
			return n
		}, func() {
			each(func(g *gatherer[*call]) {
				g.running -= g.most
				g.start()
			})
		}
}
