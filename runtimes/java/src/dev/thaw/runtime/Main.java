package dev.thaw.runtime;

import com.amazonaws.services.lambda.crac.Core;
import com.amazonaws.services.lambda.runtime.api.client.AWSLambda;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;

/** Starts the official client, with our hook registered before any of the function's. */
public final class Main {
    private static final Path PRIMES = Paths.get("/var/task/thaw.prime.json");
    /** The client refers to hooks weakly. */
    private static Renewal renewal;

    private Main() {}

    public static void main(String[] none) throws Throwable {
        String[] args = {System.getenv("_HANDLER")};
        if (!"snap-start".equals(System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE"))) {
            AWSLambda.main(args);
            return;
        }
        renewal = new Renewal();
        Core.getGlobalContext().register(renewal);
        if (Files.exists(PRIMES)) Priming.main(args, PRIMES);
        else AWSLambda.main(args);
    }
}
