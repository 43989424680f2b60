export { AwsPassedServices } from "../passed-services/aws-passed-services.ts";
