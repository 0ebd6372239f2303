package graph

import "fmt"

const (
	// valuesMax is the most values of one answer: all root fields of a query or
	// of a mutation together, or one event. A value is a field of an object, an
	// object without fields, or a scalar in a list. A page of 250 orders of 20
	// lines, each with its product and what of that is available at 33 locations,
	// has less.
	valuesMax = 1_000_000
	// textUnit is how many bytes of a text, or of the name that an operation
	// gives a field, count as one more value.
	textUnit = 100
)

// tooLarge refuses an answer of more than valuesMax values. It is the number
// at which counting stopped.
type tooLarge int64

func (t tooLarge) Error() string {
	return fmt.Sprintf("the answer has %d values or more, and may have %d at most: ask for less at once", int64(t), valuesMax)
}

// spend counts values of the answer before they are made.
func (a *answer) spend(values int) error {
	if total := a.values.Add(int64(values)); total > valuesMax {
		return tooLarge(total)
	}
	return nil
}

// cost counts what is written of the objects of a group, but for what their
// relations lead to: that is of the next level.
func (p *preloader) cost(g group) (values int) {
	for i, o := range g.objs {
		values += g.times[i] * g.of.weight(o, p.answer.open)
	}
	return values
}

// weight counts what is written of one object, but for what its relations lead
// to: the fields that it is asked for, and the members of lists, the fields of
// parts and the long texts in them.
func (o *object) weight(v any, open scopes) int {
	if len(o.heavy) == 0 {
		return o.cost
	}
	return o.cost + weigh(o, v, open)
}
