package supplier_test

import (
	"io"
	"testing"

	"redline/supplier"
)

// onceOnly reads a sheet and asks whether it states each level once.
type onceOnly struct{}

func (onceOnly) Read(name string, document io.Reader) (*supplier.Feed, error) {
	feed, err := supplier.CSV{}.Read(name, document)
	if err != nil {
		return nil, err
	}
	return feed, feed.Once(name)
}

// A level that is stated again is told of with both of its places.
func TestOnce(t *testing.T) {
	t.Parallel()
	reads(t, onceOnly{}, "sku,qty,site\n65,1,east\n65,1,west\n66,1,\n67,1,east\n", "2: 65 1 at east", "3: 65 1 at west", "4: 66 1", "5: 67 1 at east")
	refuses(t, onceOnly{}, "sku,qty,unit,site\n65,1,case,east\n66,2,,\n65,1,case,west\n65,3,bottle,east\n66,2,,\n66,1,,east\n65,1,,\n65,1,,west\n",
		`line 5: states the level of SKU "65" again, after line 2`,
		`line 6: states the level of SKU "66" again, after line 3`,
		`line 7: states the level of SKU "66" again, after line 3`,
		`line 8: states the level of SKU "65" again, after line 2`,
		`line 9: states the level of SKU "65" again, after line 4`)
}
