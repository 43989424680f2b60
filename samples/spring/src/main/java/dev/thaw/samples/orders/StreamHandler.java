package dev.thaw.samples.orders;

import com.amazonaws.serverless.exceptions.ContainerInitializationException;
import com.amazonaws.serverless.proxy.model.AwsProxyRequest;
import com.amazonaws.serverless.proxy.model.AwsProxyResponse;
import com.amazonaws.serverless.proxy.spring.SpringBootLambdaContainerHandler;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.crac.Core;
import org.crac.Resource;

/**
 * The whole application starts in Init; one request is served before the snapshot, so that its code is warm in every
 * clone.
 */
public class StreamHandler implements RequestStreamHandler, Resource {
    private static final String PRIMING_EVENT = """
        {"resource":"/{proxy+}","path":"/orders","httpMethod":"POST","headers":{"Content-Type":"application/json"},
         "multiValueHeaders":{"Content-Type":["application/json"]},"requestContext":{"identity":{}},
         "body":"{\\"customer\\":\\"priming@example.com\\",\
         \\"items\\":[{\\"name\\":\\"x\\",\\"quantity\\":1,\\"price\\":1}]}"}
        """;
    private static final SpringBootLambdaContainerHandler<AwsProxyRequest, AwsProxyResponse> APPLICATION;

    static {
        try {
            APPLICATION = SpringBootLambdaContainerHandler.getAwsProxyHandler(OrdersApplication.class);
        } catch (ContainerInitializationException error) {
            throw new IllegalStateException("The application does not start", error);
        }
    }

    public StreamHandler() {
        Core.getGlobalContext().register(this);
    }

    @Override
    public void handleRequest(InputStream input, OutputStream output, Context context) throws IOException {
        APPLICATION.proxyStream(input, output, context);
    }

    @Override
    public void beforeCheckpoint(org.crac.Context<? extends Resource> context) throws IOException {
        if ("false".equals(System.getenv("PRIMING"))) {
            return;
        }
        InputStream event = new ByteArrayInputStream(PRIMING_EVENT.getBytes(StandardCharsets.UTF_8));
        APPLICATION.proxyStream(event, new ByteArrayOutputStream(), null);
    }

    @Override
    public void afterRestore(org.crac.Context<? extends Resource> context) {
        System.out.println("restored");
    }
}
