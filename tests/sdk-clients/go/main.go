// The AWS SDK for Go v2, unmodified: a function's whole life, with the SDK's waiters, paginators, retries and error
// classes. Prints what it saw as JSON. Arguments: the packages of a plain and of a streaming function.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	name   = "sdk-go"
	stream = "sdk-go-stream"
	most   = time.Minute
)

type seen map[string]any

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	ctx := context.Background()
	cfg := must(config.LoadDefaultConfig(ctx))
	client := lambda.NewFromConfig(cfg)
	out := seen{}
	create(ctx, client, name, os.Args[1])
	create(ctx, client, stream, os.Args[2])
	publish(ctx, client, out)
	pages(ctx, client, out)
	invoke(ctx, client, out)
	streams(ctx, client, out)
	refusals(ctx, client, out)
	callURL(ctx, cfg, client, out)
	// Until the test has seen that the event was carried out: those of a function that is gone are dropped.
	must(os.Stdin.Read(make([]byte, 1)))
	for _, each := range []string{name, stream} {
		must(client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &each}))
	}
	var missing *types.ResourceNotFoundException
	_, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(name)})
	out["gone"] = errors.As(err, &missing) && strings.Contains(missing.ErrorMessage(), "Function not found: arn:aws:")
	check(json.NewEncoder(os.Stdout).Encode(out))
}

func creation(function, zip string) *lambda.CreateFunctionInput {
	return &lambda.CreateFunctionInput{
		FunctionName: &function,
		Runtime:      types.RuntimeNodejs24x,
		Handler:      aws.String("index.handler"),
		Role:         aws.String("arn:aws:iam::000000000000:role/x"),
		Code:         &types.FunctionCode{ZipFile: must(os.ReadFile(zip))},
		SnapStart:    &types.SnapStart{ApplyOn: types.SnapStartApplyOnPublishedVersions},
	}
}

func create(ctx context.Context, client *lambda.Client, function, zip string) {
	must(client.CreateFunction(ctx, creation(function, zip)))
	waiter := lambda.NewFunctionActiveV2Waiter(client, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay = 100 * time.Millisecond
	})
	check(waiter.Wait(ctx, &lambda.GetFunctionInput{FunctionName: &function}, most))
}

func publish(ctx context.Context, client *lambda.Client, out seen) {
	versions := []string{}
	for _, description := range []string{"one", "two"} {
		must(client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
			FunctionName: aws.String(name), Description: &description,
		}))
		updated := lambda.NewFunctionUpdatedV2Waiter(client, func(o *lambda.FunctionUpdatedV2WaiterOptions) {
			o.MinDelay = 100 * time.Millisecond
		})
		check(updated.Wait(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(name)}, most))
		made := must(client.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: aws.String(name)}))
		waiter := lambda.NewPublishedVersionActiveWaiter(client, func(o *lambda.PublishedVersionActiveWaiterOptions) {
			o.MinDelay = 100 * time.Millisecond
		})
		check(waiter.Wait(ctx, &lambda.GetFunctionConfigurationInput{
			FunctionName: aws.String(name), Qualifier: made.Version,
		}, most))
		versions = append(versions, *made.Version)
	}
	must(client.CreateAlias(ctx, &lambda.CreateAliasInput{
		FunctionName: aws.String(name), Name: aws.String("live"), FunctionVersion: aws.String("1"),
	}))
	out["published"] = versions
}

func pages(ctx context.Context, client *lambda.Client, out seen) {
	versions, count := []string{}, 0
	pager := lambda.NewListVersionsByFunctionPaginator(client, &lambda.ListVersionsByFunctionInput{
		FunctionName: aws.String(name), MaxItems: aws.Int32(2),
	})
	for ; pager.HasMorePages(); count++ {
		for _, each := range must(pager.NextPage(ctx)).Versions {
			versions = append(versions, *each.Version)
		}
	}
	out["versions"], out["pages"] = versions, count
}

func invoke(ctx context.Context, client *lambda.Client, out seen) {
	answer := must(client.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(name + ":live"), Payload: []byte(`{"name":"Ada"}`), LogType: types.LogTypeTail,
	}))
	tail := must(base64.StdEncoding.DecodeString(*answer.LogResult))
	out["answer"], out["executed"] = json.RawMessage(answer.Payload), *answer.ExecutedVersion
	out["restored"] = strings.Contains(string(tail), "Restore Duration")
	failed := must(client.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(name), Payload: []byte(`{"fail":"no"}`),
	}))
	document := struct{ ErrorType, ErrorMessage string }{}
	check(json.Unmarshal(failed.Payload, &document))
	out["failed"] = []string{*failed.FunctionError, document.ErrorType, document.ErrorMessage}
	event := must(client.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(name), Payload: []byte(`{"name":"async-` + name + `"}`),
		InvocationType: types.InvocationTypeEvent,
	}))
	dry := must(client.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(name), InvocationType: types.InvocationTypeDryRun,
	}))
	out["statuses"] = []int32{answer.StatusCode, event.StatusCode, dry.StatusCode}
}

func streams(ctx context.Context, client *lambda.Client, out seen) {
	answer := must(client.InvokeWithResponseStream(ctx, &lambda.InvokeWithResponseStreamInput{
		FunctionName: aws.String(stream), Payload: []byte("{}"),
	}))
	events, text, isComplete := answer.GetStream(), "", false
	for event := range events.Events() {
		switch part := event.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			text += string(part.Value.Payload)
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			isComplete = part.Value.ErrorCode == nil
		}
	}
	check(events.Close())
	check(events.Err())
	out["stream"] = []any{text, isComplete}
}

func refusals(ctx context.Context, client *lambda.Client, out seen) {
	var conflict *types.ResourceConflictException
	_, err := client.CreateFunction(ctx, creation(name, os.Args[1]))
	out["conflict"] = errors.As(err, &conflict) && conflict.ErrorMessage() == "Function already exist: "+name
	var invalid *types.InvalidParameterValueException
	_, err = client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String(name),
		Environment:  &types.Environment{Variables: map[string]string{"AWS_REGION": "x"}},
	})
	out["invalid"] = errors.As(err, &invalid) && strings.Contains(invalid.ErrorMessage(), "AWS_REGION")
	var response *smithyhttp.ResponseError
	out["invalidStatus"] = errors.As(err, &response) && response.HTTPStatusCode() == 400
	must(client.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{
		FunctionName: aws.String(stream), ReservedConcurrentExecutions: aws.Int32(0),
	}))
	var many *types.TooManyRequestsException
	var attempts *retry.MaxAttemptsError
	_, err = client.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(stream)})
	out["throttled"] = errors.As(err, &many) &&
		many.Reason == types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded
	out["triedAgain"] = errors.As(err, &attempts) && attempts.Attempt > 1
}

func callURL(ctx context.Context, cfg aws.Config, client *lambda.Client, out seen) {
	made := must(client.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{
		FunctionName: aws.String(name), AuthType: types.FunctionUrlAuthTypeAwsIam,
	}))
	statuses := []int{}
	for _, isSigned := range []bool{false, true} {
		request := must(http.NewRequestWithContext(ctx, "POST", *made.FunctionUrl, strings.NewReader("{}")))
		if isSigned {
			digest := sha256.Sum256([]byte("{}"))
			keys := must(cfg.Credentials.Retrieve(ctx))
			check(v4.NewSigner().SignHTTP(ctx, keys, request, hex.EncodeToString(digest[:]), "lambda", cfg.Region, time.Now()))
		}
		answer := must(http.DefaultClient.Do(request))
		must(io.ReadAll(answer.Body))
		answer.Body.Close()
		statuses = append(statuses, answer.StatusCode)
	}
	out["url"] = statuses
}
