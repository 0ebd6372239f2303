package graph

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"redline"
)

// arguments are what the drawn operations give the fields that need some, or
// that answer differently.
var arguments = map[string][]string{
	"node": {`(id:"` + depotOrder + `")`, `(id:"` + depotProduct + `")`, `(id:"` + depotLevel + `")`, `(id:"x")`},
	"nodes": {`(ids:["` + strings.Join([]string{
		depotProduct, depotOrder, "nothing", depotLevel, depotLine, depotSupplier, depotLocation, depotAudit, depotOther,
		depotHold, depotReturn, depotConflict, depotClient,
	}, `","`) + `"])`},
	"product":              {`(by:{sku:"a"})`, `(by:{id:"a"})`},
	"products":             {"", "(last:2)"},
	"order":                {`(by:{id:"x"})`, `(by:{number:"x"})`},
	"Query.availability":   {`(lines:[{productId:"x",quantity:1}])`, `(lines:[{productId:"x",quantity:1}],includeStale:$no)`},
	"Product.availability": {"", "(includeStale:true)", "(includeStale:false)", "(includeStale:$yes)", "(includeStale:$maybe)", "(includeStale:$left)"},
	"events": {
		"", "(types:[AVAILABILITY,INVENTORY,ORDER,CONFLICT])", "(types:[AVAILABILITY,INVENTORY])", "(types:[])", "(types:CONFLICT,first:$n)", "(first:1)", "(first:0)",
		`(after:"` + redline.Cursor{Epoch: 1, ID: 40}.String() + `")`, `(after:"` + redline.Cursor{Epoch: 2, ID: 40}.String() + `")`, `(after:"x")`,
	},
	"reservation": {`(id:"` + depotHold + `")`, `(id:"x")`},
	"items":       {"", "(first:2)", "(first:0)", "(first:$n)"},
	"feeds":       {"", "(first:2)", "(first:0)", "(first:$n)"},
	"pulse":       {"", "(minutes:7)", "(minutes:2)", "(minutes:0)"},
	"orderHold":   {`(input:{orderId:"x",reason:"yes"})`, `(input:{orderId:"x",reason:"no"})`, `(input:{orderId:"x",reason:"again"})`},
	"supplierFeedSubmit": {
		`(input:{idempotencyKey:"k",mode:FULL,asOf:"2024-05-31T08:00:00Z",rows:[]})`,
		`(input:{idempotencyKey:"k",mode:FULL,asOf:"2024-05-31T08:00:00Z",rows:[],dryRun:true})`,
	},
	"conflictResolve": {
		`(input:{conflictId:"` + depotConflict + `",status:RESOLVED,resolution:"r"})`, `(input:{conflictId:"x",status:RESOLVED,resolution:"r"})`,
	},
	"clientRotateSecret": {
		`(input:{idempotencyKey:"k",clientId:"` + depotClient + `"})`, `(input:{idempotencyKey:"k",clientId:"` + depotClient + `",overlapSeconds:0})`,
		`(input:{idempotencyKey:"k",clientId:"x"})`,
	},
	"reservationRelease": {`(input:{reservationId:"` + depotHold + `"})`},
	"returnCancel":       {`(input:{returnId:"` + depotReturn + `"})`},
	"supplierTermsSet":   {`(input:{supplierId:"` + depotSupplier + `"})`},
	"supplierItemUpsert": {`(input:{productId:"x",supplierSku:"x",unit:CASE,packQuantity:2})`},
	"inventoryTransfer":  {`(input:{idempotencyKey:"k",productId:"p",fromLocationId:"a",toLocationId:"b",quantity:1})`},
}

// argumentsOf are the arguments that a field may be given.
func argumentsOf(of *ast.Definition, f *ast.FieldDefinition) []string {
	if len(f.Arguments) == 0 {
		return nil
	}
	if own := arguments[of.Name+"."+f.Name]; own != nil {
		return own
	}
	return arguments[f.Name]
}

// drawing draws an operation over the contract.
type drawing struct {
	*rapid.T
	schema    *ast.Schema
	fragments []string
	// left is how many more fields and fragments may be drawn.
	left int
}

func (d *drawing) chance(of int) bool { return rapid.IntRange(1, of).Draw(d.T, "chance") == 1 }

func (d *drawing) condition() string {
	if !d.chance(5) {
		return ""
	}
	return rapid.SampledFrom([]string{
		" @skip(if:$yes)", " @skip(if:$no)", " @include(if:$yes)", " @include(if:$no)", " @include(if:$no) @skip(if:$yes)", " @include(if:false)", " @skip(if:false)",
		" @skip(if:$maybe)", " @include(if:$maybe)",
	}).Draw(d.T, "condition")
}

// selection draws what is asked of a type.
func (d *drawing) selection(def *ast.Definition, depth int, only ...string) string {
	var b strings.Builder
	b.WriteByte('{')
	for range rapid.IntRange(1, 5).Draw(d.T, "fields") {
		if d.left--; d.left < 0 {
			break
		}
		switch {
		case d.chance(8):
			fmt.Fprintf(&b, " ... %s%s", d.condition(), d.selection(def, depth, only...))
		case d.chance(6):
			on := d.fragmentType(def)
			fmt.Fprintf(&b, " ... on %s%s%s", on.Name, d.condition(), d.selection(on, depth, only...))
		case d.chance(8) && depth > 0:
			on := d.fragmentType(def)
			body := d.selection(on, depth-1, only...)
			name := fmt.Sprint("f", len(d.fragments))
			d.fragments = append(d.fragments, fmt.Sprintf("fragment %s on %s%s", name, on.Name, body))
			for range rapid.IntRange(1, 2).Draw(d.T, "spreads") {
				fmt.Fprintf(&b, " ...%s%s", name, d.condition())
			}
		default:
			b.WriteString(d.field(def, depth, only))
		}
	}
	b.WriteString(" __typename}")
	return b.String()
}

// fragmentType draws a type that fragments on another may be on.
func (d *drawing) fragmentType(def *ast.Definition) *ast.Definition {
	fit := []*ast.Definition{def}
	if def.IsAbstractType() {
		fit = append(fit, d.schema.GetPossibleTypes(def)...)
	} else {
		fit = append(fit, d.schema.GetImplements(def)...)
	}
	slices.SortFunc(fit, func(a, b *ast.Definition) int { return cmp.Compare(a.Name, b.Name) })
	return rapid.SampledFrom(fit).Draw(d.T, "on")
}

func (d *drawing) field(def *ast.Definition, depth int, only []string) string {
	var fit []*ast.FieldDefinition
	for _, f := range def.Fields {
		leaf := d.schema.Types[f.Type.Name()].IsLeafType()
		if !strings.HasPrefix(f.Name, "__") && (leaf || depth > 0) && (len(only) == 0 || !d.isRoot(def) || slices.Contains(only, f.Name)) {
			fit = append(fit, f)
		}
	}
	if len(fit) == 0 {
		return " __typename"
	}
	f := rapid.SampledFrom(fit).Draw(d.T, "field")
	known, args := argumentsOf(def, f), ""
	if len(known) > 0 {
		args = rapid.SampledFrom(known).Draw(d.T, "args")
	}
	out := " "
	if d.chance(3) || args != "" { // what is given other arguments needs another name
		out += f.Name + fmt.Sprint(slices.Index(known, args)+1) + rapid.SampledFrom([]string{"A", "B"}).Draw(d.T, "alias") + ":"
	}
	out += f.Name + args + d.condition()
	if to := d.schema.Types[f.Type.Name()]; !to.IsLeafType() {
		out += d.selection(to, depth-1)
	}
	return out
}

func (d *drawing) isRoot(def *ast.Definition) bool {
	return def == d.schema.Query || def == d.schema.Mutation || def == d.schema.Subscription
}

// operation draws an operation.
func (d *drawing) operation(kind string, root *ast.Definition, only ...string) string {
	return d.declared(kind, d.selection(root, rapid.IntRange(1, 6).Draw(d.T, "depth"), only...))
}

// pair draws one root field twice, each with a selection and a name of its own,
// and a variable of that name that may leave it out.
func (d *drawing) pair() string {
	fields := slices.DeleteFunc(slices.Clone(d.schema.Query.Fields), func(f *ast.FieldDefinition) bool {
		return strings.HasPrefix(f.Name, "__") || d.schema.Types[f.Type.Name()].IsLeafType()
	})
	f := rapid.SampledFrom(fields).Draw(d.T, "root")
	args := ""
	if known := argumentsOf(d.schema.Query, f); len(known) > 0 {
		args = rapid.SampledFrom(known).Draw(d.T, "args")
	}
	draw := func(name string) string {
		d.left = 30
		selection := d.selection(d.schema.Types[f.Type.Name()], rapid.IntRange(1, 6).Draw(d.T, "depth"))
		return fmt.Sprintf(" %s:%s%s @include(if:$%s)%s", name, f.Name, args, name, selection)
	}
	return draw("first") + draw("second")
}

// about draws a field of the schema about itself.
func (d *drawing) about() string {
	return rapid.SampledFrom([]string{
		"", "", " __schema{queryType{name} types{name kind}}", ` __type(name:"Order"){name ...on __Type{fields{name type{kind ofType{name}}}}}`,
		` none:__type(name:"Nothing"){name}`,
	}).Draw(d.T, "about")
}

// declared is an operation with its fragments and the variables that they use.
func (d *drawing) declared(kind, selection string) string {
	body := selection + strings.Join(d.fragments, " ")
	variables := " "
	for _, v := range []string{"$yes:Boolean!", "$no:Boolean!", "$maybe:Boolean=true", "$left:Boolean", "$n:Int", "$first:Boolean=true", "$second:Boolean=true"} {
		if name, _, _ := strings.Cut(v, ":"); strings.Contains(body, name+")") {
			variables += v + " "
		}
	}
	if variables != " " {
		kind += "(" + variables + ")"
	}
	return kind + body
}

// shownError is what is compared of an error. gqlgen tells of a refusal at
// whichever item of a list comes first.
func shownError(e any, path ast.Path, code any) string {
	if code != codeInternal {
		path = slices.DeleteFunc(slices.Clone(path), func(step ast.PathElement) bool { _, index := step.(ast.PathIndex); return index })
	}
	return fmt.Sprint(path, " ", code, " ", e)
}

// answered runs an operation. ok is false where it isn't valid.
func answered(t *rapid.T, e *executor.Executor, p redline.Principal, query string, variables map[string]any) (data string, told []string, ok bool) {
	ctx := graphql.StartOperationTrace(redline.WithPrincipal(t.Context(), p))
	op, refused := e.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables})
	if refused != nil {
		return refused.Error(), nil, false
	}
	responses, ctx := e.DispatchOperation(ctx, op)
	got := responses(ctx)
	if got == nil {
		return "", nil, true
	}
	for _, err := range got.Errors {
		told = append(told, shownError(err.Message+fmt.Sprint(err.Locations, err.Extensions["field"]), err.Path, err.Extensions["code"]))
	}
	slices.Sort(told)
	return string(got.Data), told, true
}

// introspection opens the schema about itself.
func introspection(e *executor.Executor) {
	e.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		graphql.GetOperationContext(ctx).DisableIntrospection = false
		return next(ctx)
	})
}

// checkSame draws operations and holds the writers' answers against gqlgen's.
func checkSame(t *testing.T, live Live, draw func(*drawing) string) {
	t.Helper()
	g := New(Options{Store: depot{}, Live: live, Load: depotLoad, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	ours, theirs := g.Executor(), g.fieldByField()
	introspection(ours)
	introspection(theirs)
	supplier := redline.Principal{Subject: "s", Role: redline.RoleSupplier, Suppliers: []string{"acme"}, Scopes: redline.DefaultScopes(redline.RoleSupplier)}
	admin := redline.Principal{Subject: "a", Role: redline.RoleAdmin, Scopes: redline.DefaultScopes(redline.RoleAdmin)}
	valid := 0
	rapid.Check(t, func(rt *rapid.T) {
		d := &drawing{T: rt, schema: g.schema.Schema(), left: 60}
		query := draw(d)
		p := rapid.SampledFrom([]redline.Principal{admin, supplier, redline.Anonymous()}).Draw(rt, "principal")
		yes := rapid.Bool().Draw(rt, "yes")
		variables := map[string]any{"yes": yes, "no": rapid.Bool().Draw(rt, "no"), "n": json.Number("3")}
		switch rapid.IntRange(1, 6).Draw(rt, "left") {
		case 1:
			variables["left"] = nil
		case 2:
			variables["left"] = false
		}
		switch rapid.IntRange(1, 6).Draw(rt, "maybe") {
		case 1:
			variables["maybe"] = nil
		case 2:
			variables["maybe"] = false
		}
		wantData, wantErrors, ok := answered(rt, theirs, p, query, variables)
		if !ok {
			// Such as two fields of one name that can't be merged, or a null where there is a condition.
			if data, _, ok := answered(rt, ours, p, query, variables); ok || data != wantData {
				rt.Fatalf("%s with %v: got %s, want %s", query, variables, data, wantData)
			}
			return
		}
		valid++
		data, told, _ := answered(rt, ours, p, query, variables)
		if data != wantData || !slices.Equal(told, wantErrors) {
			rt.Fatalf("%s for %s with %v\n got %s\n     %q\nwant %s\n     %q", query, p.Role, variables, data, told, wantData, wantErrors)
		}
	})
	if valid == 0 {
		t.Error("no operation was valid")
	}
	t.Logf("%d valid operations", valid)
}

// TestWritersAnswerAsGqlgen: what the writers answer is, to the byte and with
// the same errors, what gqlgen answers field by field.
func TestWritersAnswerAsGqlgen(t *testing.T) {
	t.Parallel()
	t.Run("queries", func(t *testing.T) {
		t.Parallel()
		checkSame(t, onlyEvent{}, func(d *drawing) string { return d.operation("query", d.schema.Query) })
	})
	t.Run("pairs", func(t *testing.T) {
		t.Parallel()
		checkSame(t, onlyEvent{}, func(d *drawing) string {
			return d.declared("query", "{"+d.pair()+d.about()+"}")
		})
	})
	t.Run("mutations", func(t *testing.T) {
		t.Parallel()
		checkSame(t, onlyEvent{}, func(d *drawing) string {
			return d.operation("mutation", d.schema.Mutation, "orderHold", "inventoryTransfer", "supplierFeedSubmit", "conflictResolve",
				"reservationRelease", "returnCancel", "supplierTermsSet", "supplierItemUpsert", "clientRotateSecret")
		})
	})
	for name, event := range map[string]*redline.Event{
		"availabilityChanged": {ID: 1, At: depotTime, Level: &redline.LevelEvent{Level: *depot{}.levels()[0], Active: true}},
		"inventoryChanged":    {ID: 2, At: depotTime, Level: &redline.LevelEvent{Level: *depot{}.levels()[0], Reason: redline.ReasonSold}},
		"conflictChanged":     {ID: 4, At: depotTime, Conflict: &redline.ConflictEvent{Conflict: *depot{}.conflicts()[0], SupplierCode: ref("acme")}},
		"orderChanged":        {ID: 3, At: depotTime, Order: &redline.OrderEvent{Order: *depot{}.orders()[0], To: redline.OrderPending}},
	} {
		for how, what := range map[string]redline.Telling{
			"changed": {Event: event, Cursor: "c"}, "in a snapshot": {Event: event, InState: true, Cursor: "c"}, "caught up": {Cursor: "c"},
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				checkSame(t, onlyEvent{what}, func(d *drawing) string {
					event := d.schema.Types[d.schema.Subscription.Fields.ForName(name).Type.Name()]
					selection := d.selection(event, rapid.IntRange(0, 5).Draw(d.T, "depth"))
					return d.declared("subscription", "{it:"+name+selection+"}")
				})
			})
		}
	}
}

// noSKU is a product of which less is told than was asked: all have an SKU.
var noSKU = regexp.MustCompile(`"sku\w*":""`)

// TestRootFieldsAnswerAsAlone: what a root field answers doesn't hang on what is
// asked beside it, and is whole. Both executions have the preloader in common,
// so that holding one against the other doesn't tell.
func TestRootFieldsAnswerAsAlone(t *testing.T) {
	t.Parallel()
	g := New(Options{Store: depot{}, Live: onlyEvent{}, Load: depotLoad, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	e := g.Executor()
	admin := redline.Principal{Subject: "a", Role: redline.RoleAdmin, Scopes: redline.DefaultScopes(redline.RoleAdmin)}
	compared := 0
	rapid.Check(t, func(rt *rapid.T) {
		d := &drawing{T: rt, schema: g.schema.Schema()}
		query := d.declared("query", "{"+d.pair()+"}")
		variables := map[string]any{"yes": rapid.Bool().Draw(rt, "yes"), "no": rapid.Bool().Draw(rt, "no"), "n": json.Number("3")}
		ask := func(first, second bool) (data map[string]json.RawMessage, ok bool) {
			variables["first"], variables["second"] = first, second
			text, _, ok := answered(rt, e, admin, query, variables)
			if !ok {
				return nil, false
			}
			if noSKU.MatchString(text) {
				rt.Fatalf("%s with %v is told of a product without an SKU: %s", query, variables, text)
			}
			if err := json.Unmarshal([]byte(text), &data); err != nil {
				rt.Fatal(err)
			}
			return data, true
		}
		both, ok := ask(true, true)
		if !ok {
			return
		}
		compared++
		want, _ := ask(true, false)
		second, _ := ask(false, true)
		if want != nil && second != nil {
			maps.Copy(want, second)
		} else {
			want = nil // what mustn't be null is
		}
		if got, want := fmt.Sprintf("%s", both), fmt.Sprintf("%s", want); got != want {
			rt.Fatalf("%s with %v\n got %s\nwant %s", query, variables, got, want)
		}
	})
	if compared == 0 {
		t.Error("nothing was compared")
	}
}
