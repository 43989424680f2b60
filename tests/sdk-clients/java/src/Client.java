import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.waiters.WaiterOverrideConfiguration;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.services.lambda.LambdaAsyncClient;
import software.amazon.awssdk.services.lambda.LambdaClient;
import software.amazon.awssdk.services.lambda.model.CreateFunctionRequest;
import software.amazon.awssdk.services.lambda.model.FunctionUrlAuthType;
import software.amazon.awssdk.services.lambda.model.InvalidParameterValueException;
import software.amazon.awssdk.services.lambda.model.InvocationType;
import software.amazon.awssdk.services.lambda.model.InvokeWithResponseStreamResponseHandler;
import software.amazon.awssdk.services.lambda.model.LogType;
import software.amazon.awssdk.services.lambda.model.ResourceConflictException;
import software.amazon.awssdk.services.lambda.model.ResourceNotFoundException;
import software.amazon.awssdk.services.lambda.model.Runtime;
import software.amazon.awssdk.services.lambda.model.SnapStartApplyOn;
import software.amazon.awssdk.services.lambda.model.ThrottleReason;
import software.amazon.awssdk.services.lambda.model.TooManyRequestsException;
import software.amazon.awssdk.services.lambda.waiters.LambdaWaiter;

/**
 * The AWS SDK for Java v2, unmodified: what ../../go/main.go does, with this SDK's waiters, paginators, retries and
 * error classes. Prints what it saw as JSON. Arguments: the packages of a plain and of a streaming function.
 */
public final class Client {
    private static final String NAME = "sdk-java";
    private static final String STREAM = "sdk-java-stream";

    private final Map<String, Object> out = new LinkedHashMap<>();
    private final LambdaClient lambda = LambdaClient.create();
    private final LambdaWaiter waiter = LambdaWaiter.builder()
            .client(lambda)
            .overrideConfiguration(WaiterOverrideConfiguration.builder()
                    .maxAttempts(600)
                    .backoffStrategyV2(BackoffStrategy.fixedDelay(Duration.ofMillis(100)))
                    .build())
            .build();

    public static void main(String[] arguments) throws Exception {
        Client client = new Client();
        client.create(NAME, arguments[0]);
        client.create(STREAM, arguments[1]);
        client.publish();
        client.pages();
        client.invoke();
        client.stream();
        client.refusals(arguments[0]);
        client.callUrl();
        // Until the test has seen that the event was carried out: those of a function that is gone are dropped.
        System.in.read();
        client.remove();
        System.out.println(json(client.out));
        // The asynchronous client's threads need not be waited for.
        System.exit(0);
    }

    private static CreateFunctionRequest creation(String name, String zip) throws Exception {
        SdkBytes code = SdkBytes.fromByteArray(Files.readAllBytes(Path.of(zip)));
        return CreateFunctionRequest.builder()
                .functionName(name)
                .runtime(Runtime.NODEJS24_X)
                .handler("index.handler")
                .role("arn:aws:iam::000000000000:role/x")
                .code(c -> c.zipFile(code))
                .snapStart(s -> s.applyOn(SnapStartApplyOn.PUBLISHED_VERSIONS))
                .build();
    }

    private void create(String name, String zip) throws Exception {
        lambda.createFunction(creation(name, zip));
        waiter.waitUntilFunctionActiveV2(r -> r.functionName(name));
    }

    private void publish() {
        List<String> versions = new ArrayList<>();
        for (String description : List.of("one", "two")) {
            lambda.updateFunctionConfiguration(r -> r.functionName(NAME).description(description));
            waiter.waitUntilFunctionUpdatedV2(r -> r.functionName(NAME));
            String version = lambda.publishVersion(r -> r.functionName(NAME)).version();
            waiter.waitUntilPublishedVersionActive(r -> r.functionName(NAME).qualifier(version));
            versions.add(version);
        }
        lambda.createAlias(r -> r.functionName(NAME).name("live").functionVersion("1"));
        out.put("published", versions);
    }

    private void pages() {
        List<String> versions = new ArrayList<>();
        int count = 0;
        for (var page :
                lambda.listVersionsByFunctionPaginator(r -> r.functionName(NAME).maxItems(2))) {
            page.versions().forEach(each -> versions.add(each.version()));
            count++;
        }
        out.put("versions", versions);
        out.put("pages", count);
    }

    private void invoke() {
        var answer = lambda.invoke(r -> r.functionName(NAME + ":live")
                .payload(SdkBytes.fromUtf8String("{\"name\":\"Ada\"}"))
                .logType(LogType.TAIL));
        String tail = new String(Base64.getDecoder().decode(answer.logResult()));
        out.put("answer", new Raw(answer.payload().asUtf8String()));
        out.put("executed", answer.executedVersion());
        out.put("restored", tail.contains("Restore Duration"));
        var failed = lambda.invoke(r -> r.functionName(NAME).payload(SdkBytes.fromUtf8String("{\"fail\":\"no\"}")));
        String document = failed.payload().asUtf8String();
        boolean isWhole = document.contains("\"errorType\":\"Error\"") && document.contains("\"errorMessage\":\"no\"");
        out.put("failed", List.of(failed.functionError(), isWhole ? "Error" : document, "no"));
        var event = lambda.invoke(r -> r.functionName(NAME)
                .payload(SdkBytes.fromUtf8String("{\"name\":\"async-" + NAME + "\"}"))
                .invocationType(InvocationType.EVENT));
        var dry = lambda.invoke(r -> r.functionName(NAME).invocationType(InvocationType.DRY_RUN));
        out.put("statuses", List.of(answer.statusCode(), event.statusCode(), dry.statusCode()));
    }

    private void stream() {
        StringBuilder text = new StringBuilder();
        boolean[] isComplete = {false};
        try (LambdaAsyncClient client = LambdaAsyncClient.create()) {
            client.invokeWithResponseStream(
                            r -> r.functionName(STREAM).payload(SdkBytes.fromUtf8String("{}")),
                            InvokeWithResponseStreamResponseHandler.builder()
                                    .subscriber(InvokeWithResponseStreamResponseHandler.Visitor.builder()
                                            .onPayloadChunk(part ->
                                                    text.append(part.payload().asUtf8String()))
                                            .onInvokeComplete(part -> isComplete[0] = part.errorCode() == null)
                                            .build())
                                    .build())
                    .join();
        }
        out.put("stream", List.of(text.toString(), isComplete[0]));
    }

    private void refusals(String zip) throws Exception {
        try {
            lambda.createFunction(creation(NAME, zip));
        } catch (ResourceConflictException error) {
            out.put("conflict", error.awsErrorDetails().errorMessage().equals("Function already exist: " + NAME));
        }
        try {
            lambda.updateFunctionConfiguration(
                    r -> r.functionName(NAME).environment(e -> e.variables(Map.of("AWS_REGION", "x"))));
        } catch (InvalidParameterValueException error) {
            out.put("invalid", error.awsErrorDetails().errorMessage().contains("AWS_REGION"));
            out.put("invalidStatus", error.statusCode() == 400);
        }
        lambda.putFunctionConcurrency(r -> r.functionName(STREAM).reservedConcurrentExecutions(0));
        try {
            lambda.invoke(r -> r.functionName(STREAM));
        } catch (TooManyRequestsException error) {
            ThrottleReason reason = ThrottleReason.RESERVED_FUNCTION_CONCURRENT_INVOCATION_LIMIT_EXCEEDED;
            out.put("throttled", error.reason() == reason);
            out.put("triedAgain", error.numAttempts() > 1);
        }
    }

    private void callUrl() throws Exception {
        URI address = URI.create(
                lambda.createFunctionUrlConfig(r -> r.functionName(NAME).authType(FunctionUrlAuthType.AWS_IAM))
                        .functionUrl());
        SdkHttpRequest request =
                SdkHttpRequest.builder().method(SdkHttpMethod.POST).uri(address).build();
        var signed = AwsV4HttpSigner.create()
                .sign(r -> r.identity(DefaultCredentialsProvider.create().resolveCredentials())
                        .request(request)
                        .payload(ContentStreamProvider.fromUtf8String("{}"))
                        .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, "lambda")
                        .putProperty(AwsV4HttpSigner.REGION_NAME, System.getenv("AWS_REGION")));
        List<Integer> statuses = new ArrayList<>();
        for (Map<String, List<String>> headers :
                List.of(request.headers(), signed.request().headers())) {
            var call = HttpRequest.newBuilder(address).POST(HttpRequest.BodyPublishers.ofString("{}"));
            // The client writes Host itself.
            headers.forEach((name, values) -> {
                if (!name.equalsIgnoreCase("Host")) values.forEach(value -> call.header(name, value));
            });
            HttpResponse<String> answer =
                    HttpClient.newHttpClient().send(call.build(), HttpResponse.BodyHandlers.ofString());
            statuses.add(answer.statusCode());
        }
        out.put("url", statuses);
    }

    private void remove() {
        for (String name : List.of(NAME, STREAM)) lambda.deleteFunction(r -> r.functionName(name));
        try {
            lambda.getFunction(r -> r.functionName(NAME));
        } catch (ResourceNotFoundException error) {
            out.put("gone", error.awsErrorDetails().errorMessage().contains("Function not found: arn:aws:"));
        }
    }

    /** JSON as it came. */
    private record Raw(String text) {}

    private static String json(Object value) {
        if (value instanceof Raw raw) return raw.text();
        if (value instanceof String text)
            return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
        if (value instanceof List<?> list)
            return list.stream().map(Client::json).collect(Collectors.joining(",", "[", "]"));
        if (value instanceof Map<?, ?> map)
            return map.entrySet().stream()
                    .map(entry -> json(entry.getKey()) + ":" + json(entry.getValue()))
                    .collect(Collectors.joining(",", "{", "}"));
        return String.valueOf(value);
    }
}
