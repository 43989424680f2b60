// matrix: a stack's whole life by the AWS CLI, whose waiters look every thirty seconds
import { CODE, deploySuite, expectDone, FUNCTION_TIMEOUT_S, type Project, STACK, type Variant } from "./suite.ts";

const BUCKET = "packages-of-the-shop";

const project: Project = {
  stackName: STACK,
  made: "CREATE_COMPLETE",
  unchanged: /No changes to deploy/,
  failed: /Failed to create\/update the stack/,
  write: (tools, variant) => tools.write({ "template.yaml": template(variant), "src/index.js": CODE }),
  async prepare(tools) {
    expectDone(await tools.run("aws", "s3", "mb", `s3://${BUCKET}`));
  },
  async deploy(tools) {
    const input = ["--template-file", "template.yaml", "--s3-bucket", BUCKET];
    expectDone(
      await tools.run("aws", "cloudformation", "package", ...input, "--output-template-file", "packaged.yaml"),
    );
    const target = ["--template-file", "packaged.yaml", "--stack-name", STACK, "--capabilities", "CAPABILITY_IAM"];
    return tools.run("aws", "cloudformation", "deploy", ...target, "--no-fail-on-empty-changeset");
  },
  async remove(tools) {
    expectDone(await tools.run("aws", "cloudformation", "delete-stack", "--stack-name", STACK));
    return tools.run("aws", "cloudformation", "wait", "stack-delete-complete", "--stack-name", STACK);
  },
};

function template({ message, name, isBroken }: Variant): string {
  return `
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{ Effect: Allow, Principal: { Service: lambda.amazonaws.com }, Action: sts:AssumeRole }]
  Hello:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: !Sub "\${AWS::StackName}-${name}"
      Code: src/
      Handler: index.handler
      Runtime: nodejs24.x
      Timeout: ${FUNCTION_TIMEOUT_S}
      Role: !GetAtt Role.Arn
      Environment: { Variables: { MESSAGE: ${message} } }
${isBroken ? "  Wrong: { Type: AWS::Lambda::Alias, Properties: { FunctionName: !Ref Hello, FunctionVersion: '99', Name: wrong } }" : ""}
Outputs:
  Hello: { Value: !Ref Hello }
`;
}

deploySuite(project);
