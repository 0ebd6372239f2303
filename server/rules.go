package server

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// validationRules are GraphQL's, and our own, with two changes: after ten
// errors no more are made, however many the document deserves, and without
// introspection none suggests a name from the schema.
//
// The executor asks for a new set for each document, which is why the count of
// errors can live in it.
func validationRules(introspection bool) *rules.Rules {
	set := rules.NewDefaultRules()
	set.AddRule(noDefer.Name, noDefer.RuleFunc)
	if !introspection {
		set.AddRule(noIntrospection.Name, noIntrospection.RuleFunc)
		for _, silent := range []core.Rule{
			rules.FieldsOnCorrectTypeRuleWithoutSuggestions,
			rules.KnownArgumentNamesRuleWithoutSuggestions,
			rules.KnownTypeNamesRuleWithoutSuggestions,
			rules.ScalarLeafsRuleWithoutSuggestions,
			rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
		} {
			set.RemoveRule(strings.TrimSuffix(silent.Name, "WithoutSuggestions"))
			set.AddRule(silent.Name, silent.RuleFunc)
		}
	}
	errorsLeft := maxRequestErrors
	for name, rule := range set.GetInner() {
		set.ReplaceRule(name, func(observers *core.Events, addError core.AddErrFunc) {
			rule(observers, func(options ...core.ErrorOption) {
				if errorsLeft == 0 {
					return
				}
				errorsLeft--
				addError(append(options, shortMessage)...)
			})
		})
	}
	return set
}

func shortMessage(err *gqlerror.Error) { err.Message = shorten(err.Message, maxMessageBytes) }

// noIntrospection refuses what would lay the schema open. __typename stays:
// clients add it to everything, and it tells nothing that they don't know.
var noIntrospection = core.Rule{
	Name: "NoIntrospection",
	RuleFunc: func(observers *core.Events, addError core.AddErrFunc) {
		observers.OnField(func(_ *core.Walker, field *ast.Field) {
			if isIntrospection(field.Name) {
				addError(core.Message("Introspection needs a token with the scope schema:read."), core.At(field.Position))
			}
		})
	},
}

// noDefer refuses @defer where the schema knows it, which is in every schema
// unless it was taken out: a deferred part would be left out of an answer that
// is one piece.
var noDefer = core.Rule{
	Name: "NoDefer",
	RuleFunc: func(observers *core.Events, addError core.AddErrFunc) {
		observers.OnDirective(func(_ *core.Walker, directive *ast.Directive) {
			if directive.Name == "defer" && directive.Definition != nil {
				addError(core.Message("@defer is not served: every answer is one piece."), core.At(directive.Position))
			}
		})
	},
}
