//go:build linux || darwin

package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	// role owns the database and is no superuser, as on any Postgres that
	// somebody else looks after.
	role     = "redline"
	database = "redline"
	// superuser is for maintenance; see SuperuserURL.
	superuser = "postgres"
)

// initCluster makes the cluster, with the role and its database. It is made
// under another name, so that it is there whole or not at all.
func initCluster(ctx context.Context, l layout, bin binaries, as account, fast bool) error {
	leftovers, err := filepath.Glob(filepath.Join(globQuote(l.root()), l.halfMade()))
	if err != nil {
		return fmt.Errorf("looking for half-made clusters: %w", err)
	}
	for _, dir := range leftovers {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing a half-made cluster: %w", err)
		}
	}
	dir, err := os.MkdirTemp(l.root(), l.halfMade())
	if err != nil {
		return fmt.Errorf("making the cluster's directory: %w", err)
	}
	if err := fillCluster(ctx, dir, bin, as, fast); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err := os.Rename(dir, l.cluster()); err != nil {
		return errors.Join(fmt.Errorf("putting the new cluster in place: %w", err), os.RemoveAll(dir))
	}
	if fast {
		return nil
	}
	if err := syncDir(l.root()); err != nil {
		return fmt.Errorf("putting the new cluster in place: %w", err)
	}
	return nil
}

func fillCluster(ctx context.Context, dir string, bin binaries, as account, fast bool) error {
	if err := as.give(dir); err != nil {
		return fmt.Errorf("giving the cluster to %s: %w", as.name, err)
	}
	// C.UTF-8 knows the letters of all languages and sorts the same on every
	// machine; macOS does not have it.
	err := initdb(ctx, dir, bin, as, fast, "C.UTF-8")
	if err != nil && strings.Contains(err.Error(), "invalid locale") {
		err = initdb(ctx, dir, bin, as, fast, "C")
	}
	if err != nil {
		return fmt.Errorf("making the cluster (initdb): %w", err)
	}
	err = singleUser(ctx, dir, bin, as, fast,
		"CREATE ROLE "+role+" LOGIN",
		"CREATE DATABASE "+database+" OWNER "+role)
	if err != nil {
		return fmt.Errorf("making the cluster's database: %w", err)
	}
	return nil
}

func initdb(ctx context.Context, dir string, bin binaries, as account, fast bool, locale string) error {
	args := []string{
		"-D", dir, "--username=" + superuser, "--encoding=UTF8", "--locale=" + locale,
		"--auth-local=peer", "--auth-host=reject", "--no-instructions",
	}
	if fast {
		args = append(args, "--no-sync")
	} else {
		args = append(args, "--data-checksums")
	}
	_, err := tool(ctx, as, "", "/", bin.initdb(), args...)
	return err
}

// singleUser runs statements as the superuser on a cluster that no server
// runs on. Each is one line.
func singleUser(ctx context.Context, dir string, bin binaries, as account, fast bool, statements ...string) error {
	args := []string{"--single", "-D", dir, "-c", "exit_on_error=on", "-c", "log_min_error_statement=panic"}
	if fast {
		args = append(args, "-F")
	}
	_, err := tool(ctx, as, strings.Join(statements, "\n")+"\n", "/", bin.postgres(), append(args, "postgres")...)
	return err
}

// writeAccess writes who may connect, and as whom: this process' user, as the
// role or the superuser. The kernel vouches for it on a socket, a password
// does on 127.0.0.1.
func writeAccess(l layout, client string) error {
	hba := "local all all peer map=owner\n" +
		"host all all 127.0.0.1/32 scram-sha-256\n"
	var ident strings.Builder
	for _, as := range []string{role, superuser} {
		fmt.Fprintf(&ident, "owner %q %s\n", client, as)
	}
	for path, content := range map[string]string{l.hba(): hba, l.ident(): ident.String()} {
		// Postgres, maybe another user, has to read them. Nothing in them is
		// secret.
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return fmt.Errorf("writing who may connect: %w", err)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			return fmt.Errorf("writing who may connect: %w", err)
		}
	}
	return nil
}

// reserved are the settings that this package answers for.
var reserved = []string{
	"config_file", "data_directory", "external_pid_file", "hba_file", "ident_file",
	"listen_addresses", "log_destination", "logging_collector", "port",
	"unix_socket_directories", "unix_socket_group", "unix_socket_permissions",
}

var settingName = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$`)

// serverArgs are the arguments of the server process. Settings go there, and
// not into a file, so that nothing left in the cluster outweighs them.
func serverArgs(l layout, o Options, at endpoint) ([]string, error) {
	set := map[string]string{
		"max_connections":         "100",
		"shared_buffers":          "128MB",
		"jit":                     "off",
		"timezone":                "UTC",
		"lc_messages":             "C",
		"log_line_prefix":         "",
		"log_timezone":            "UTC",
		"log_error_verbosity":     "terse", // no values of rows
		"log_min_error_statement": "panic", // no statements
		"cluster_name":            "redline",
	}
	if o.Fast {
		maps.Copy(set, map[string]string{
			"fsync":              "off",
			"synchronous_commit": "off",
			"full_page_writes":   "off",
			"wal_level":          "minimal",
			"max_wal_senders":    "0",
		})
	}
	for name, value := range o.Settings {
		if !settingName.MatchString(name) {
			return nil, fmt.Errorf("%q is not the name of a setting (lower case, as in Postgres' manual)", name)
		}
		if slices.Contains(reserved, name) {
			return nil, fmt.Errorf("the setting %s of a private Postgres cannot be changed", name)
		}
		set[name] = value
	}
	maps.Copy(set, at.settings())
	maps.Copy(set, map[string]string{
		"hba_file":          l.hba(),
		"ident_file":        l.ident(),
		"log_destination":   "stderr",
		"logging_collector": "off",
	})
	args := []string{"-D", l.cluster()}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		args = append(args, "-c", name+"="+set[name])
	}
	return args, nil
}

// globQuote makes a path match only itself in a pattern.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
