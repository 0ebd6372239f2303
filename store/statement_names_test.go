package store_test

import (
	"context"
	"database/sql/driver"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/lib/pq"

	"redline/store"
)

// named is how a statement of the store begins.
var named = regexp.MustCompile(`^/\* ([a-z][a-z_]*\.[a-z][a-z_]*) \*/ (SELECT|INSERT|UPDATE|DELETE|WITH|ANALYZE)\b`)

// mustBeNamed fails the test where the store sends a statement without a name. What
// tests send themselves needs none.
func mustBeNamed(t testing.TB, text string) {
	if named.MatchString(text) || text == "BEGIN" || text == "COMMIT" || text == "ROLLBACK" {
		return
	}
	var callers [32]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		file := f.File[strings.LastIndexByte(f.File, '/')+1:]
		switch {
		case strings.HasSuffix(file, "_test.go") && (strings.HasPrefix(file, "spy_") || strings.HasPrefix(file, "statement_names_")):
		case strings.Contains(f.Function, "redline/store_test") || strings.Contains(f.Function, "redline/migrations"):
			return
		case strings.Contains(f.Function, "redline/store.") && file != "prepared.go" && file != "observed.go":
			t.Errorf("%s:%d sends a statement without a name: %s", file, f.Line, text)
			return
		}
	}
}

// allNamed has a store fail the test where it sends a statement without a name.
func allNamed(t testing.TB, o store.Options) store.Options {
	return o.Through(func(c *pq.Connector) driver.Connector { return namedConnector{c, t} })
}

type namedConnector struct {
	*pq.Connector
	t testing.TB
}

func (c namedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &namedConn{conn.(store.PQConn), c.t}, nil
}

type namedConn struct {
	store.PQConn
	t testing.TB
}

func (c *namedConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	mustBeNamed(c.t, text)
	return c.PQConn.QueryContext(ctx, text, args)
}

func (c *namedConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	mustBeNamed(c.t, text)
	return c.PQConn.ExecContext(ctx, text, args)
}

func (c *namedConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	mustBeNamed(c.t, text)
	return c.PQConn.PrepareContext(ctx, text)
}

// textAt is which argument of a call is the text of a statement.
var textAt = map[string]int{
	"ExecContext": 1, "QueryContext": 1, "QueryxContext": 1, "QueryRowContext": 1, "QueryRowxContext": 1,
	"SelectContext": 2, "GetContext": 2, "scanRows": 3, "look": 3, "query": 3, "insertJSON": 2, "partsOfOrders": 4, "placesByID": 3,
}

// Each text that is handed over to be sent begins with a name, and no two texts have
// the same one.
func TestStatementsAreNamed(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	texts, names := 0, map[string]string{}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, entry.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				text := literal(n)
				name, _, is := strings.Cut(strings.TrimPrefix(text, "/* "), " */")
				if !is || !strings.HasPrefix(text, "/* ") || strings.HasPrefix(name, "%s") || name == "" {
					break
				}
				if known, twice := names[name]; twice && known != text {
					t.Errorf("%s: there are two statements %s", files.Position(n.Pos()), name)
				}
				names[name] = text
			case *ast.CallExpr:
				called, _ := n.Fun.(*ast.Ident)
				if method, ok := n.Fun.(*ast.SelectorExpr); ok {
					called = method.Sel
				}
				at, sends := 0, false
				if called != nil {
					at, sends = textAt[called.Name]
				}
				if pkg, ok := n.Fun.(*ast.SelectorExpr); ok && sends {
					if x, ok := pkg.X.(*ast.Ident); ok && x.Name == "sqlx" {
						at++
					}
				}
				if !sends || len(n.Args) <= at {
					break
				}
				first := n.Args[at]
				for sum, ok := first.(*ast.BinaryExpr); ok; sum, ok = first.(*ast.BinaryExpr) {
					first = sum.X
				}
				if lit, ok := first.(*ast.BasicLit); ok {
					texts++
					if text := literal(lit); !strings.HasPrefix(text, "/* ") {
						t.Errorf("%s: a statement without a name: %.80s", files.Position(lit.Pos()), text)
					}
				}
			}
			return true
		})
	}
	if texts < 100 || len(names) < 100 {
		t.Errorf("found only %d statements with %d names", texts, len(names))
	}
}

// literal is what a string literal says.
func literal(lit *ast.BasicLit) string {
	text, err := strconv.Unquote(lit.Value)
	if lit.Kind != token.STRING || err != nil {
		return ""
	}
	return text
}
