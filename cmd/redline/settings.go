package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type settingsCmd struct{}

// Run prints the page of the documentation that lists the settings of `redline
// serve`, a table for each group.
func (settingsCmd) Run(io streams, k *kong.Kong) error {
	_, err := fmt.Fprint(io.out, settingsIntroduction, settingsTables(serveFlags(k)))
	return err
}

const settingsIntroduction = `# Configuration

Everything that ` + "`redline serve`" + ` can be told, as ` + "`redline settings`" + ` prints it. Each flag is a variable of the environment too; the flag wins.
Durations are written like ` + "`250ms`, `30s` or `168h`" + `, sizes in bytes. What may be given several times is written with commas in
its variable. A gateway that was told something wrong doesn't start, and names all that is wrong at once. A variable that begins with
` + "`REDLINE_`" + ` and is none of these is told of with that, and in the log of a gateway that starts, with the one that is nearest.

`

// serveFlags are the flags of `redline serve`.
func serveFlags(k *kong.Kong) []*kong.Flag {
	serve := slices.IndexFunc(k.Model.Children, func(n *kong.Node) bool { return n.Name == "serve" })
	return k.Model.Children[serve].Flags
}

// settingsTables writes flags as tables: what each is called on the command line
// and in the environment, what it is unless set, and what it does.
func settingsTables(flags []*kong.Flag) string {
	var groups []string
	byGroup := map[string][]*kong.Flag{}
	for _, flag := range flags {
		name := "Others"
		if flag.Group != nil {
			name = flag.Group.Title
		}
		if byGroup[name] == nil {
			groups = append(groups, name)
		}
		byGroup[name] = append(byGroup[name], flag)
	}
	var out strings.Builder
	for _, group := range groups {
		fmt.Fprintf(&out, "## %s\n\n| flag | variable | default | |\n|---|---|---|---|\n", group)
		for _, flag := range byGroup[group] {
			fmt.Fprintf(&out, "| `--%s%s` | %s | %s | %s |\n",
				negation(flag), flag.Name, variable(flag), defaultOf(flag), cell(flag.Help))
		}
		out.WriteString("\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func variable(flag *kong.Flag) string {
	if len(flag.Envs) == 0 {
		return ""
	}
	return "`" + flag.Envs[0] + "`"
}

// negation is how a flag is switched off, where it can be.
func negation(flag *kong.Flag) string {
	if flag.Tag.Negatable == "" {
		return ""
	}
	return "[no-]"
}

func defaultOf(flag *kong.Flag) string {
	switch {
	case flag.Target.Kind() == reflect.Pointer: // that it was left out means something of its own
		return ""
	case flag.HasDefault && flag.Default != "":
		return "`" + flag.Default + "`"
	case flag.IsBool():
		return "off"
	default:
		return ""
	}
}

// cell fits a text into a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}

// given is a setting as somebody gave it.
type given struct {
	// variable is the one of the environment that it comes from, "" where it is
	// from the command line.
	variable string
	args     []string
}

// settingsGiven splits the arguments of `redline serve` into those that belong
// together, and adds what the environment says of flags that aren't among them.
func settingsGiven(flags []*kong.Flag, args []string) []given {
	var all []given
	there := map[string]bool{}
	for len(args) > 0 {
		one := args[:1]
		name, _, whole := strings.Cut(args[0], "=")
		i := slices.IndexFunc(flags, func(f *kong.Flag) bool {
			return "--"+f.Name == name || f.Tag.Negatable != "" && "--no-"+f.Name == name
		})
		if i >= 0 {
			there[flags[i].Name] = true
			if !whole && !flags[i].IsBool() && len(args) > 1 {
				one = args[:2]
			}
		}
		all = append(all, given{args: one})
		args = args[len(one):]
	}
	for _, flag := range flags {
		for _, name := range flag.Envs {
			if value, set := os.LookupEnv(name); set && !there[flag.Name] {
				all = append(all, given{variable: name, args: []string{"--" + flag.Name + "=" + value}})
			}
		}
	}
	return all
}

// faultsOf says all that is wrong with a command line of `redline serve` that
// can't be read, where kong says the first: each setting that is wrong by itself,
// and what is wrong with the rest of them together.
func faultsOf(flags []*kong.Flag, args []string) error {
	var faults []error
	good := []string{"serve"}
	for _, one := range settingsGiven(flags, args) {
		if _, err := parseServe(append([]string{"serve"}, one.args...)); err != nil {
			if one.variable != "" {
				err = fmt.Errorf("%s: %w", one.variable, err)
			}
			faults = append(faults, err)
			continue
		}
		good = append(good, one.args...)
	}
	rest, err := parseServe(good)
	if err == nil {
		err = rest.check()
	}
	return errors.Join(append(faults, err)...)
}

// parseServe reads a command line of `redline serve`, and nothing of the environment.
func parseServe(args []string) (*serveCmd, error) {
	var c cli
	parser, err := kong.New(&c, kong.Name("redline"), kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		return nil, fmt.Errorf("reading the command line: %w", err)
	}
	_, err = parser.Parse(args)
	return &c.Serve, err
}
