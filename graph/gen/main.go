// Command gen writes the generated GraphQL code from the contract: gqlgen's own,
// and beside it graph/write_generated.go, which writes the objects of answers.
// It runs at the root of the repository, by go generate ./graph.
package main

import (
	"fmt"
	"os"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	// It is found in the folders above, and made the working directory.
	cfg, err := config.LoadConfigFromDefaultLocations()
	if err != nil {
		return fmt.Errorf("reading gqlgen.yml: %w", err)
	}
	if err := api.Generate(cfg, api.AddPlugin(writers{})); err != nil {
		return fmt.Errorf("generating: %w", err)
	}
	return nil
}
