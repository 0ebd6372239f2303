package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"
)

// variablePrefix is what the variables of all settings begin with.
const variablePrefix = "REDLINE_"

// strange is a variable that looks like a setting and is none: most likely somebody
// mistyped one.
type strange struct {
	name string
	// nearest is the setting that was most likely meant, "" where none is near.
	nearest string
}

// strangeVariables are those of the environment. Kubernetes sets some for a service of
// this name, which aren't among them.
func strangeVariables(k *kong.Kong) []strange {
	known := map[string]bool{}
	for _, command := range k.Model.Leaves(false) {
		for _, flag := range command.Flags {
			for _, name := range flag.Envs {
				known[name] = true
			}
		}
	}
	var found []strange
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, variablePrefix) || known[name] ||
			strings.HasPrefix(name, "REDLINE_SERVICE_") || strings.HasPrefix(name, "REDLINE_PORT") {
			continue
		}
		found = append(found, strange{name, nearest(name, known)})
	}
	return found
}

// nearest is the setting that takes the fewest letters to change a name into, and of
// several alike the first by name; "" where that is more than a third of its own.
func nearest(name string, known map[string]bool) string {
	best, least := "", (len(name)-len(variablePrefix))/3+1
	for setting := range known {
		n := levenshtein.ComputeDistance(name, setting)
		if n < least || n == least && (best == "" || setting < best) {
			best, least = setting, n
		}
	}
	return best
}

// faults says of each that it is no setting, for a start that is refused anyway.
func faults(variables []strange) error {
	var list []error
	for _, v := range variables {
		if v.nearest == "" {
			list = append(list, fmt.Errorf("%s: no such setting; `redline settings` lists them", v.name))
			continue
		}
		list = append(list, fmt.Errorf("%s: no such setting; did you mean %s?", v.name, v.nearest))
	}
	return errors.Join(list...)
}

// warnOf says it in the log of a gateway that starts.
func warnOf(ctx context.Context, variables []strange, log *slog.Logger) {
	for _, v := range variables {
		log.WarnContext(ctx, "a variable of the environment is no setting; `redline settings` lists them", "variable", v.name, "nearest", v.nearest)
	}
}
