package server

import "time"

// LookEvery has the files looked at more often than anybody would have to wait for in
// a test.
func (c *Certificates) LookEvery(d time.Duration) { c.interval = d }
