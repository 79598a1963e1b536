// What others make of an object's health: kstatus as kubectl's tools and Helm use it, Flux's copy of kstatus, Flux's
// evaluation of healthCheckExprs, and a health script of Argo CD. Reads a question on standard input, answers in JSON
// on standard output, and judges nothing.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"

	fluxstatus "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type question struct {
	Scripts     map[string]string                           // by kind, for Argo CD
	Expressions map[string]kustomize.HealthCheckExpressions // by kind, for Flux
	Objects     []unstructured.Unstructured
}

type answer struct {
	Kstatus     string `json:"kstatus"`
	FluxKstatus string `json:"fluxKstatus"`
	FluxExprs   string `json:"fluxExprs"`
	Argo        string `json:"argo"`
	ArgoSays    string `json:"argoSays"`
}

func main() {
	var asked question
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	evaluators := map[string]*cel.StatusEvaluator{}
	for kind, expressions := range asked.Expressions {
		evaluators[kind] = must1(cel.NewStatusEvaluator(&expressions))
	}
	answers := []answer{}
	for _, object := range asked.Objects {
		health, says := argo(&object, asked.Scripts[object.GetKind()])
		answers = append(answers, answer{
			Kstatus:     string(must1(status.Compute(&object)).Status),
			FluxKstatus: string(must1(fluxstatus.Compute(&object)).Status),
			FluxExprs:   string(must1(evaluators[object.GetKind()].Evaluate(context.Background(), &object)).Status),
			Argo:        health,
			ArgoSays:    says,
		})
	}
	must(json.NewEncoder(os.Stdout).Encode(answers))
}

// argo asks a script as Argo CD does: not at all for an object on its way out, and with few libraries at hand.
func argo(object *unstructured.Unstructured, script string) (string, string) {
	if object.GetDeletionTimestamp() != nil {
		return "Progressing", "Pending deletion"
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		must(state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)))
	}
	state.SetGlobal("obj", value(state, object.Object))
	must(state.DoString(script))
	health := state.Get(-1).(*lua.LTable)
	return health.RawGetString("status").String(), health.RawGetString("message").String()
}

func value(state *lua.LState, from any) lua.LValue {
	switch known := from.(type) {
	case bool:
		return lua.LBool(known)
	case int64:
		return lua.LNumber(known)
	case float64:
		return lua.LNumber(known)
	case string:
		return lua.LString(known)
	case []any:
		list := state.NewTable()
		for _, item := range known {
			list.Append(value(state, item))
		}
		return list
	case map[string]any:
		table := state.NewTable()
		for key, item := range known {
			table.RawSetString(key, value(state, item))
		}
		return table
	}
	return lua.LNil
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func must1[T any](result T, err error) T {
	must(err)
	return result
}
