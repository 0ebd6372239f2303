package main

import (
	"go/types"
	"strings"

	"github.com/99designs/gqlgen/codegen"
	"github.com/vektah/gqlparser/v2/ast"
)

// weights generates what objects weigh beside the fields that they are asked
// for: their long texts, the scalars in their lists, and their parts. Pages
// have none of these.
func (g *generator) weights() {
	var weighed []*codegen.Object
	for _, o := range g.objects {
		if !strings.HasSuffix(o.Name, "Connection") && !strings.HasSuffix(o.Name, "Edge") && o.Name != "PageInfo" {
			weighed = append(weighed, o)
		}
	}
	g.put("// weigh counts what an object weighs beside the fields that it is asked for.\nfunc weigh(o *object, v any, open scopes) int {\nswitch v := v.(type) {")
	for _, o := range weighed {
		g.put("case %s:\nreturn weigh%s(o, v, open)", g.pointer(o), o.Name)
	}
	g.put("}\nreturn 0\n}\n")
	for _, o := range weighed {
		g.weight(o)
	}
	g.put("// kindWeighs says which fields of a kind may weigh anything.\nvar kindWeighs = [kinds][]bool{")
	for _, o := range weighed {
		places := []string{"false"}
		for _, f := range o.Fields {
			if weighs(o, f) {
				places = append(places, "true")
			} else {
				places = append(places, "false")
			}
		}
		g.put("kind%s: {%s},", o.Name, strings.Join(places, ", "))
	}
	g.put("}")
}

// weighs reports whether a field of an object is a member of its struct that
// may weigh anything.
func weighs(o *codegen.Object, f *codegen.Field) bool {
	if f.GoFieldType == codegen.GoFieldMethod || f.IsResolver && !members[o.Name+"."+f.Name] || f.TypeReference.Definition.IsAbstractType() {
		return false
	}
	return f.Type.Elem != nil || f.TypeReference.Definition.Kind == ast.Object || text(f)
}

// text reports whether a field is a text, or a list of them.
func text(f *codegen.Field) bool {
	basic, ok := types.Unalias(f.TypeReference.Target).Underlying().(*types.Basic)
	return ok && basic.Kind() == types.String && f.TypeReference.Definition.Kind == ast.Scalar
}

func (g *generator) weight(o *codegen.Object) {
	any := false
	for _, f := range o.Fields {
		any = any || weighs(o, f)
	}
	if !any {
		g.put("func weigh%s(*object, %s, scopes) int { return 0 }\n", o.Name, g.pointer(o))
		return
	}
	g.put("func weigh%s(o *object, v %s, open scopes) (n int) {\nfor _, at := range o.heavy {\nf := &o.fields[at]\nif f.needs&^open != 0 {\ncontinue\n}\nswitch f.index {",
		o.Name, g.pointer(o))
	for i, f := range o.Fields {
		if !weighs(o, f) {
			continue
		}
		g.put("case %d: // %s", i+1, f.Name)
		expr := "v." + f.GoFieldName
		object := f.TypeReference.Definition.Kind == ast.Object
		_, pointer := f.TypeReference.GO.(*types.Pointer)
		switch {
		case f.Type.Elem != nil && object:
			_, pointer := reference(o, f).GO.(*types.Slice).Elem().(*types.Pointer)
			e := "&" + expr + "[i]"
			if pointer {
				e = expr + "[i]"
				g.put("for i := range %s {\nif %s != nil {\nn += f.of.cost + weigh%s(f.of, %s, open)\n}\n}", expr, e, f.Type.Name(), e)
			} else {
				g.put("for i := range %s {\nn += f.of.cost + weigh%s(f.of, %s, open)\n}", expr, f.Type.Name(), e)
			}
		case f.Type.Elem != nil:
			g.put("n += len(%s)", expr)
			if text(f) {
				g.put("for _, e := range %s {\nn += len(e) / textUnit\n}", expr)
			}
		case object && pointer:
			g.put("if %s != nil {\nn += f.of.cost + weigh%s(f.of, %s, open)\n}", expr, f.Type.Name(), expr)
		case object:
			g.put("n += f.of.cost + weigh%s(f.of, &%s, open)", f.Type.Name(), expr)
		case pointer:
			g.put("if %s != nil {\nn += len(*%s) / textUnit\n}", expr, expr)
		default:
			g.put("n += len(%s) / textUnit", expr)
		}
	}
	g.put("}\n}\nreturn n\n}\n")
}
