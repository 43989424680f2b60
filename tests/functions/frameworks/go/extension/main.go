// An extension with Go's standard library alone, as AWS's guide has it: says each event and each record of telemetry
// that it gets.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

var api = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API")

const subscription = `{"schemaVersion": "2022-12-13", "types": ["platform", "function"],
	"destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:4243"}, "buffering": {"timeoutMs": 25}}`

func call(method, path, body, header, value string) *http.Response {
	request, err := http.NewRequest(method, api+path, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set(header, value)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		log.Fatal(path, answer.StatusCode, string(text))
	}
	return answer
}

func listen(_ http.ResponseWriter, request *http.Request) {
	var events []struct {
		Type   string
		Record any
	}
	if err := json.NewDecoder(request.Body).Decode(&events); err != nil {
		log.Print(err)
	}
	for _, event := range events {
		var said any = event.Record
		if record, ok := said.(map[string]any); ok {
			said = record["status"]
		}
		if said == nil {
			said = ""
		}
		fmt.Println("go got", event.Type, said)
	}
}

func main() {
	name := filepath.Base(os.Args[0])
	registered := call("POST", "/2020-01-01/extension/register", `{"events": ["INVOKE", "SHUTDOWN"]}`,
		"Lambda-Extension-Name", name)
	id := registered.Header.Get("Lambda-Extension-Identifier")
	registered.Body.Close()
	go func() { log.Fatal(http.ListenAndServe("sandbox.localdomain:4243", http.HandlerFunc(listen))) }()
	call("PUT", "/2022-07-01/telemetry", subscription, "Lambda-Extension-Identifier", id).Body.Close()
	for {
		var event struct{ EventType, RequestID, ShutdownReason string }
		answer := call("GET", "/2020-01-01/extension/event/next", "", "Lambda-Extension-Identifier", id)
		err := json.NewDecoder(answer.Body).Decode(&event)
		answer.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("go saw", event.EventType, event.RequestID+event.ShutdownReason)
		if event.EventType == "SHUTDOWN" {
			return
		}
	}
}
