package frameworks;

import com.amazonaws.serverless.exceptions.ContainerInitializationException;
import com.amazonaws.serverless.proxy.model.AwsProxyResponse;
import com.amazonaws.serverless.proxy.model.HttpApiV2ProxyRequest;
import com.amazonaws.serverless.proxy.spring.SpringBootLambdaContainerHandler;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** An application of Spring Boot 4 behind AWS's container for it, started in Init. */
public class Handler implements RequestStreamHandler {
    private static final SpringBootLambdaContainerHandler<HttpApiV2ProxyRequest, AwsProxyResponse> APPLICATION;

    static {
        try {
            APPLICATION = SpringBootLambdaContainerHandler.getHttpApiV2ProxyHandler(PetsApplication.class);
        } catch (ContainerInitializationException error) {
            throw new IllegalStateException("The application does not start", error);
        }
    }

    @Override
    public void handleRequest(InputStream input, OutputStream output, Context context) throws IOException {
        APPLICATION.proxyStream(input, output, context);
    }
}
