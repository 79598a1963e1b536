// Command imm talks to IMM 2020-09-30 with the official Go OpenAPI client, which every generated Go SDK wraps, and
// prints what it got as one line of JSON.
package main

import (
	"encoding/json"
	"errors"
	"log"
	"os"

	"github.com/alibabacloud-go/darabonba-openapi/v2/client"
	"github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/alibabacloud-go/tea/tea"
)

func main() {
	log.SetFlags(0)
	imm, err := client.NewClient(&utils.Config{
		AccessKeyId:     dara.String(os.Getenv("ACCESS_KEY_ID")),
		AccessKeySecret: dara.String(os.Getenv("ACCESS_KEY_SECRET")),
		Endpoint:        dara.String(os.Getenv("HOST")),
		Protocol:        dara.String(os.Getenv("PROTOCOL")),
	})
	if err != nil {
		log.Fatal(err)
	}
	place := map[string]any{"ProjectName": "from-go", "DatasetName": "photos"}
	result := map[string]any{}
	for _, step := range []struct {
		action string
		params map[string]any
	}{
		{"CreateProject", map[string]any{"ProjectName": "from-go", "Description": "läuft"}},
		{"CreateDataset", place},
		{"CreateBinding", with(place, "URI", "oss://from-go")},
		{"GetBinding", with(place, "URI", "oss://from-go")},
		{"IndexFileMeta", with(place, "File", `{"URI":"oss://from-go/a.txt","CustomLabels":{"made-by":"go"}}`)},
		{"SimpleQuery", with(place, "Query", `{"Field":"Size","Operation":"gt","Value":"0"}`)},
		{"ListBindings", with(place, "MaxResults", 1)},
		{"CreateDataset", place},
		{"GetProject", map[string]any{"ProjectName": "none"}},
		{"GetProject", map[string]any{"ProjectName": "from-go", "Unknown": "x"}},
	} {
		name := step.action
		if _, done := result[name]; done {
			name += " again"
		}
		if _, done := result[name]; done {
			name += " again"
		}
		result[name] = call(imm, step.action, step.params)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
}

func with(place map[string]any, name string, value any) map[string]any {
	params := map[string]any{name: value}
	for key, held := range place {
		params[key] = held
	}
	return params
}

// call returns the answer's body, or the code of the refusal.
func call(imm *client.Client, action string, params map[string]any) any {
	answer, err := imm.CallApi(
		&utils.Params{
			Action: dara.String(action), Version: dara.String("2020-09-30"), Protocol: dara.String(os.Getenv("PROTOCOL")),
			Pathname: dara.String("/"), Method: dara.String("POST"), AuthType: dara.String("AK"), Style: dara.String("RPC"),
			ReqBodyType: dara.String("formData"), BodyType: dara.String("json"),
		},
		&utils.OpenApiRequest{Query: utils.Query(params)},
		&dara.RuntimeOptions{Autoretry: dara.Bool(false)},
	)
	var refused *tea.SDKError
	if errors.As(err, &refused) {
		return tea.StringValue(refused.Code)
	}
	if err != nil {
		log.Fatal(err)
	}
	return answer["body"]
}
