package store

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/lib/pq"

	"redline"
)

// place is a location, as it is kept in memory.
type place struct {
	redline.Location
	// LeadTimeDays is how many days the location takes; nil where nobody said.
	LeadTimeDays *int `db:"lead_time_days"`
	// owner is what placeOwner says of it.
	owner string
	// terms are what was agreed with its supplier; zero for our own.
	terms redline.SupplierTerms
}

// placeOwner says whose a location loc with a supplier sup is, by which rights go.
const placeOwner = `concat_ws(' ', loc.kind, sup.id, sup.code)`

// places are all locations and suppliers, as they were at one moment. They are
// few and hardly ever change. Nobody changes what is in here: it is shared.
//
// Who may see what is decided by the rows, in SQL. What a change writes of a
// location's supplier comes from here, but only after the rows have said, behind
// the locks, that it is so.
type places struct {
	byID      map[string]*place
	byCode    map[string]*place
	all       []*place // by code
	suppliers map[string]*redline.Supplier
}

// placesCache keeps the newest places.
type placesCache struct {
	now atomic.Pointer[places]
	// reading lets in one, who reads them anew.
	reading *gate
}

// places are the locations and suppliers as the gateway last heard of them: at
// first use, and whenever RefreshPlaces was called since.
func (s *Store) places(ctx context.Context) (*places, error) {
	if known := s.kept.now.Load(); known != nil {
		return known, nil
	}
	newer, _, err := s.newerPlaces(ctx, nil)
	return newer, err
}

// RefreshPlaces reads locations and suppliers anew. It is called where the event
// log says that one has changed, before that is told to anybody.
func (s *Store) RefreshPlaces(ctx context.Context) error {
	ctx = background(ctx) // the log is told of to nobody meanwhile
	if err := s.lockPlaces(ctx); err != nil {
		return err
	}
	defer s.kept.reading.leave()
	_, err := s.readPlaces(ctx)
	return err
}

// lockPlaces waits until nobody else reads the places, as patiently as for a connection
// to read them by: where that isn't to be had, each of many who wait in a row would
// find that out after all who are before it.
func (s *Store) lockPlaces(ctx context.Context) error {
	patience := s.db.patience
	if inBackground(ctx) {
		patience = s.db.backgroundPatience
	}
	if err := s.kept.reading.enter(ctx, patience); err != nil {
		return dbError("waiting for locations and suppliers", err)
	}
	return nil
}

// placesThat are places of which something holds. Where it doesn't hold of those
// that are known they are read anew, once for all that they lack; where it still
// doesn't, they were read after this was called.
func (s *Store) placesThat(ctx context.Context, holds func(*places) bool) (*places, error) {
	known, err := s.places(ctx)
	for mine := false; err == nil && !mine && !holds(known); {
		known, mine, err = s.newerPlaces(ctx, known)
	}
	return known, err
}

// goBy sets the places that the transaction goes by, if something doesn't hold of
// them yet, or there are none.
func (t *transaction) goBy(ctx context.Context, holds func(*places) bool) (err error) {
	if t.places == nil || !holds(t.places) {
		t.places, err = t.store.placesThat(ctx, holds)
	}
	return err
}

// owned reports whether a location is among the places, and whose a row says it is.
func (p *places) owned(id, owner string) bool {
	l := p.byID[id]
	return l != nil && l.owner == owner
}

// newerPlaces are newer than those that somebody found wanting. Those who want
// them at the same time share one look; mine says that it was begun after this
// was called.
func (s *Store) newerPlaces(ctx context.Context, wanting *places) (newer *places, mine bool, err error) {
	if err := s.lockPlaces(ctx); err != nil {
		return nil, false, err
	}
	defer s.kept.reading.leave()
	if known := s.kept.now.Load(); known != wanting {
		return known, false, nil
	}
	newer, err = s.readPlaces(ctx)
	return newer, true, err
}

func (s *Store) readPlaces(ctx context.Context) (*places, error) {
	p := &places{byID: map[string]*place{}, byCode: map[string]*place{}, suppliers: map[string]*redline.Supplier{}}
	if err := s.db.SelectContext(ctx, &p.all, `/* locations.all */ SELECT id, code, name, kind, supplier_id, lead_time_days FROM locations ORDER BY code`); err != nil {
		return nil, dbError("reading all locations", err)
	}
	// After the locations, so that each one's supplier is among these.
	var suppliers []struct {
		redline.Supplier
		Terms redline.SupplierTerms
	}
	err := s.db.SelectContext(ctx, &suppliers, `/* suppliers.all */ SELECT s.id, s.code, s.name, `+termsColumns+` FROM suppliers s`)
	if err != nil {
		return nil, dbError("reading all suppliers", err)
	}
	terms := map[string]redline.SupplierTerms{}
	for _, v := range suppliers {
		p.suppliers[v.ID], terms[v.ID] = &v.Supplier, v.Terms
	}
	for _, l := range p.all {
		l.owner = string(l.Kind)
		if l.SupplierID != nil {
			l.Supplier, l.terms = p.suppliers[*l.SupplierID], terms[*l.SupplierID]
		}
		if l.Supplier != nil {
			l.owner += " " + l.Supplier.ID + " " + l.Supplier.Code
		}
		p.byID[l.ID], p.byCode[l.Code] = l, l
	}
	s.kept.now.Store(p)
	return p, nil
}

// placesOf hands out places that rows tell of, and that therefore exist, as
// objects that belong to whoever asked: one for each place. One that was made a
// moment ago is read now, so no rows may be open meanwhile.
type placesOf struct {
	*places
	store     *Store
	locations map[string]*redline.Location
	made      map[string]*redline.Supplier
}

func (s *Store) placesOf(ctx context.Context) (*placesOf, error) {
	known, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	return &placesOf{places: known, store: s, locations: map[string]*redline.Location{}, made: map[string]*redline.Supplier{}}, nil
}

// find looks something up in the places, and in newer ones where it isn't there.
func (p *placesOf) find(ctx context.Context, what, id string, known func(*places) bool) error {
	if known(p.places) {
		return nil
	}
	newer, err := p.store.placesThat(ctx, known)
	if err != nil {
		return err
	}
	if p.places = newer; !known(newer) {
		return fmt.Errorf("reading places: there is no %s %s", what, id)
	}
	return nil
}

// location is a location with its supplier.
func (p *placesOf) location(ctx context.Context, id string) (*redline.Location, error) {
	if l := p.locations[id]; l != nil {
		return l, nil
	}
	if err := p.find(ctx, "location", id, func(known *places) bool { return known.byID[id] != nil }); err != nil {
		return nil, err
	}
	l := p.byID[id].Location
	if l.SupplierID != nil {
		var err error
		if l.Supplier, err = p.supplier(ctx, *l.SupplierID); err != nil {
			return nil, err
		}
	}
	p.locations[id] = &l
	return &l, nil
}

// supplier is a supplier, without when it was last seen.
func (p *placesOf) supplier(ctx context.Context, id string) (*redline.Supplier, error) {
	if v := p.made[id]; v != nil {
		return v, nil
	}
	if err := p.find(ctx, "supplier", id, func(known *places) bool { return known.suppliers[id] != nil }); err != nil {
		return nil, err
	}
	v := *p.suppliers[id]
	p.made[id] = &v
	return &v, nil
}

// Locations lists all locations by code, with their suppliers.
func (s *Store) Locations(ctx context.Context) ([]*redline.Location, error) {
	p, err := s.placesOf(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]*redline.Location, len(p.all))
	for i, l := range p.all {
		if out[i], err = p.location(ctx, l.ID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// LocationsByID finds locations, with their suppliers.
func (s *Store) LocationsByID(ctx context.Context, ids []string) (map[string]*redline.Location, error) {
	return placesByID(ctx, s, ids, `/* locations.exist */ SELECT id FROM locations WHERE id = ANY($1)`,
		func(p *places, id string) bool { return p.byID[id] != nil }, (*placesOf).location)
}

// SuppliersByID finds suppliers.
func (s *Store) SuppliersByID(ctx context.Context, ids []string) (map[string]*redline.Supplier, error) {
	return placesByID(ctx, s, ids, `/* suppliers.exist */ SELECT id FROM suppliers WHERE id = ANY($1)`,
		func(p *places, id string) bool { return p.suppliers[id] != nil }, (*placesOf).supplier)
}

// placesByID finds places by ids that anybody may have thought of: those that
// aren't known are looked up before it is believed that there is more to know.
func placesByID[T any](
	ctx context.Context, s *Store, ids []string, exist string, known func(*places, string) bool,
	get func(*placesOf, context.Context, string) (*T, error),
) (map[string]*T, error) {
	p, err := s.placesOf(ctx)
	if err != nil {
		return nil, err
	}
	there, unknown := make([]string, 0, len(ids)), []string(nil)
	for _, id := range ids {
		if known(p.places, id) {
			there = append(there, id)
		} else {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) > 0 {
		var found []string
		if err := s.db.SelectContext(ctx, &found, exist, pq.Array(unknown)); err != nil {
			return nil, dbError("looking for places", err)
		}
		there = append(there, found...)
	}
	out := make(map[string]*T, len(there))
	for _, id := range there {
		if out[id], err = get(p, ctx, id); err != nil {
			return nil, err
		}
	}
	return out, nil
}
