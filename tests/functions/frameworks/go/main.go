// A function of aws-lambda-go.
package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Name string `json:"name"`
}

type answer struct {
	Greeting  string `json:"greeting"`
	RequestID string `json:"requestId"`
	Function  string `json:"function"`
}

func handle(ctx context.Context, in event) (answer, error) {
	if in.Name == "" {
		return answer{}, errors.New("a name is needed")
	}
	if in.Name == "panic" {
		panic("as asked")
	}
	found, _ := lambdacontext.FromContext(ctx)
	return answer{"Hello, " + in.Name, found.AwsRequestID, lambdacontext.FunctionName}, nil
}

func main() { lambda.Start(handle) }
