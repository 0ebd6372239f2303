package supplier

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the zones of DTM04, on machines that have none
)

// asOfQualifiers are DTM's, the best first.
var asOfQualifiers = []string{"007", "405", "050", "097"}

// timeError says what is wrong with a date, a time or a zone.
type timeError struct {
	place          Place
	where, message string
}

// dated is where a segment has its date, time and zone: DTM02 to 04, BIA04 and 05.
func dated(s segment) (date, clock, zone int) {
	if s.id() == "DTM" {
		return 2, 3, 4
	}
	return 4, 5, 0
}

// asOf is when the set says that it was so: by the best of its DTM, else by BIA.
func (r *advice) asOf() (time.Time, *timeError) {
	rank := func(s segment) int {
		if s.id() == "DTM" {
			return slices.Index(asOfQualifiers, s.element(1))
		}
		return len(asOfQualifiers)
	}
	s := slices.MinFunc(r.set.dates, func(a, b segment) int { return cmp.Compare(rank(a), rank(b)) })
	date, clock, zone := dated(s)
	refuse := func(element int, format string, args ...any) (time.Time, *timeError) {
		return time.Time{}, &timeError{s.place, s.name(element), fmt.Sprintf(format, args...)}
	}
	day, err := time.Parse("20060102", s.element(date))
	if err != nil {
		return refuse(date, "%s is not a date such as 20261123", quoted(s.element(date)))
	}
	text, in := s.element(clock), r.zone
	if zone > 0 && s.element(zone) != "" {
		if in, err = zoneOf(s.element(zone)); err != nil {
			return refuse(zone, "%v", err)
		}
	}
	if text == "" && s.element(date) == r.gs.element(4) {
		// Told without a time: it was so at the latest when the group was made,
		// whose time has no zone of its own.
		text, in = r.gs.element(5), r.zone
	}
	of, err := parseClock(text)
	if err != nil {
		return refuse(clock, "%v", err)
	}
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, int(of/time.Second), int(of%time.Second), in).UTC(), nil
}

// parseClock reads HHMM, HHMMSS, HHMMSSD or HHMMSSDD; nothing is the day's
// beginning.
func parseClock(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	n := len(text)
	if n != 4 && (n < 6 || n > 8) || strings.Trim(text, "0123456789") != "" {
		return 0, fmt.Errorf("%s is not a time such as 1430", quoted(text))
	}
	part := func(from, to int) time.Duration {
		v, _ := strconv.Atoi(text[from:min(to, n)]) // digits, or nothing
		return time.Duration(v)
	}
	hour, minute, second := part(0, 2), part(2, 4), time.Duration(0)
	var fraction time.Duration
	if n >= 6 {
		second = part(4, 6)
	}
	if n > 6 {
		fraction = part(6, 8) * time.Second / 100
		if n == 7 {
			fraction *= 10
		}
	}
	if hour > 23 || minute > 59 || second > 59 {
		return 0, fmt.Errorf("%s is not a time of day", quoted(text))
	}
	return hour*time.Hour + minute*time.Minute + second*time.Second + fraction, nil
}

// zones are the codes of element 623 that name a zone of America, with daylight
// saving where they follow it.
var zones = map[string]string{"AT": "America/Halifax", "ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles"}

// offsets are those that name a fixed offset, in hours from UTC.
var offsets = map[string]int{
	"UT": 0, "GM": 0,
	"AS": -4, "AD": -3, "ES": -5, "ED": -4, "CS": -6, "CD": -5, "MS": -7, "MD": -6, "PS": -8, "PD": -7,
}

// zoneOf reads element 623: 01 to 12 are hours ahead of UTC, and 13 to 24 are 12
// to 1 hours behind it.
func zoneOf(code string) (*time.Location, error) {
	if name := zones[code]; name != "" {
		return time.LoadLocation(name)
	}
	hours, known := offsets[code]
	if n, err := strconv.Atoi(code); err == nil && len(code) == 2 && n >= 1 && n <= 24 {
		if hours, known = n, true; n > 12 {
			hours = n - 25
		}
	}
	if !known {
		return nil, fmt.Errorf("%s is not a time zone that is known: there are %s, and 01 to 24",
			quoted(code), strings.Join(append(sortedKeys(offsets), sortedKeys(zones)...), ", "))
	}
	return time.FixedZone(code, hours*3600), nil
}
