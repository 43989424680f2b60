/**
 * AWS's own policies that tools look up by name, as sam does for `Policies` of a function. Others can be attached by
 * their ARNs all the same: which exist nobody checks.
 */
const NAMES = [
  "AWSCloudFormationFullAccess AWSCloudFormationReadOnlyAccess AWSKeyManagementServicePowerUser AWSLambda_FullAccess",
  "AWSLambda_ReadOnlyAccess AWSLambdaExecute AWSLambdaInvocation-DynamoDB AWSStepFunctionsConsoleFullAccess",
  "AWSStepFunctionsFullAccess AWSStepFunctionsReadOnlyAccess AWSXRayDaemonWriteAccess AWSXrayFullAccess",
  "AWSXrayReadOnlyAccess AWSXrayWriteOnlyAccess AdministratorAccess AmazonAPIGatewayAdministrator",
  "AmazonAPIGatewayInvokeFullAccess AmazonAthenaFullAccess AmazonBedrockFullAccess AmazonBedrockReadOnly",
  "AmazonCognitoPowerUser AmazonCognitoReadOnly AmazonDynamoDBFullAccess AmazonDynamoDBReadOnlyAccess",
  "AmazonEC2ContainerRegistryFullAccess AmazonEC2ContainerRegistryPowerUser AmazonEC2ContainerRegistryReadOnly",
  "AmazonEC2FullAccess AmazonEC2ReadOnlyAccess AmazonElasticFileSystemClientFullAccess AmazonEventBridgeFullAccess",
  "AmazonEventBridgeReadOnlyAccess AmazonKinesisFirehoseFullAccess AmazonKinesisFullAccess AmazonKinesisReadOnlyAccess",
  "AmazonMSKReadOnlyAccess AmazonPollyFullAccess AmazonRDSDataFullAccess AmazonRDSFullAccess AmazonRDSReadOnlyAccess",
  "AmazonRekognitionFullAccess AmazonRekognitionReadOnlyAccess AmazonS3FullAccess AmazonS3ReadOnlyAccess",
  "AmazonSESFullAccess AmazonSNSFullAccess AmazonSNSReadOnlyAccess AmazonSQSFullAccess AmazonSQSReadOnlyAccess",
  "AmazonSSMFullAccess AmazonSSMManagedInstanceCore AmazonSSMReadOnlyAccess AmazonTextractFullAccess",
  "AmazonVPCFullAccess AmazonVPCReadOnlyAccess CloudFrontFullAccess CloudWatchFullAccess",
  "AmazonDynamoDBFullAccess_v2 CloudWatchFullAccessV2 CloudWatchLambdaInsightsExecutionRolePolicy",
  "service-role/AWSLambdaBasicDurableExecutionRolePolicy",
  "CloudWatchLogsFullAccess CloudWatchLogsReadOnlyAccess CloudWatchReadOnlyAccess ComprehendFullAccess",
  "ComprehendReadOnly IAMFullAccess IAMReadOnlyAccess PowerUserAccess ReadOnlyAccess SecretsManagerReadWrite",
  "SecurityAudit TranslateFullAccess TranslateReadOnly job-function/ViewOnlyAccess",
  "service-role/AWSAppSyncPushToCloudWatchLogs service-role/AWSConfigRulesExecutionRole",
  "service-role/AWSLambdaBasicExecutionRole service-role/AWSLambdaDynamoDBExecutionRole",
  "service-role/AWSLambdaENIManagementAccess service-role/AWSLambdaKinesisExecutionRole",
  "service-role/AWSLambdaMSKExecutionRole service-role/AWSLambdaRole service-role/AWSLambdaSQSQueueExecutionRole",
  "service-role/AWSLambdaVPCAccessExecutionRole service-role/AWSCodeDeployRoleForLambda",
  "service-role/AWSCodeDeployRoleForLambdaLimited service-role/AmazonAPIGatewayPushToCloudWatchLogs",
  "service-role/AmazonEC2ContainerServiceRole service-role/AmazonECSTaskExecutionRolePolicy",
  "service-role/AmazonS3ObjectLambdaExecutionRolePolicy",
];

export const AWS_POLICIES: readonly string[] = NAMES.flatMap((line) => line.split(" ")).map(
  (name) => `arn:aws:iam::aws:policy/${name}`,
);
