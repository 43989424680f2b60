/**
 * Answers as S3 (ListBuckets), Lambda (ListFunctions), Secrets Manager (GetSecretValue), SSM (GetParameter) and KMS
 * (Decrypt) do, keeps connections alive, and tells which connection a request came by. PORT: HTTP; PORT + 1: lines;
 * PORT + 2: HTTPS. With an address as its second argument it is a name server, too: every name has that address.
 */
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { createServer, type Socket } from "node:net";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";

const [port = "0", address] = process.argv.slice(2);
const numbers = new WeakMap<object, number>();
let count = 0;

const BUCKETS = `<?xml version="1.0" encoding="UTF-8"?>
<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>thaw</ID></Owner><Buckets><Bucket><Name>one</Name>
<CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>`;

/** What stores of secrets give out: of the form of a JWT, split here so that it is nowhere in one piece. */
const SECRET = ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiJ0aGF3LXRlc3QifQ", "c2VjcmV0LW9mLXRoZS1vdXRzaWRl"].join(".");
const TARGETS: Readonly<Record<string, object>> = {
  "secretsmanager.GetSecretValue": { Name: "database", SecretString: JSON.stringify({ password: SECRET }) },
  "AmazonSSM.GetParameter": { Parameter: { Name: "/database/password", Value: "correct horse battery" } },
  "TrentService.Decrypt": { KeyId: "key", Plaintext: Buffer.from(SECRET).toString("base64") },
};

/**
 * Not before the request was read whole: on "connection: close" an early answer would end a connection that is still
 * written to.
 */
const answering = (answer: RequestListener): RequestListener => {
  return (request, response) => void request.resume().once("end", () => answer(request, response));
};

const answerAws: RequestListener = (request, response) => {
  const connection = String(numbers.get(request.socket) ?? 0);
  const headers = { "x-connection": connection, "x-amzn-requestid": "r" };
  const target = TARGETS[String(request.headers["x-amz-target"])];
  if (target !== undefined) {
    response.writeHead(200, { ...headers, "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(target));
  } else if (request.url?.startsWith("/2015-03-31/functions")) {
    response.writeHead(200, { ...headers, "content-type": "application/json" }).end('{"Functions":[]}');
  } else if (request.url === "/connection") {
    response.writeHead(200, { ...headers, "content-type": "text/plain" }).end(connection);
  } else {
    response.writeHead(200, { ...headers, "content-type": "application/xml" }).end(BUCKETS);
  }
};
const http = createHttpServer({ keepAliveTimeout: 600_000 }, answering(answerAws));
http.on("connection", (socket: Socket) => numbers.set(socket, ++count));

const CERTIFICATE = [
  "req",
  "-x509",
  "-newkey",
  "ec",
  "-pkeyopt",
  "ec_paramgen_curve:prime256v1",
  "-nodes",
  "-subj",
  "/CN=outside.test",
  "-days",
  "1",
];
const pem = execFileSync("openssl", [...CERTIFICATE, "-keyout", "-", "-out", "-"], {
  stdio: ["ignore", "pipe", "ignore"],
});
const answerNothing: RequestListener = (_request, response) => void response.end();
const https = createHttpsServer({ key: pem, cert: pem }, answering(answerNothing));

https.listen(Number(port) + 2, () => http.listen(Number(port), () => console.log("listening")));
// A line protocol for raw sockets: each line is answered with the number of the connection.
createServer((socket) => {
  numbers.set(socket, ++count);
  socket.on("error", () => socket.destroy());
  socket.on("data", () => socket.write(`${numbers.get(socket)}\n`));
}).listen(Number(port) + 1);

if (address !== undefined) {
  const names = createSocket("udp4");
  names.on("message", (question, from) => names.send(nameAnswer(question, address), from.port, from.address));
  names.bind(53);
}

/** RFC 1035: the question again, with one record of an address; none to questions for other kinds. */
function nameAnswer(question: Buffer, to: string): Buffer {
  const end = question.indexOf(0, 12) + 5;
  const isAddress = question.readUInt16BE(end - 4) === 1;
  const head = Buffer.from(question.subarray(0, end));
  head.writeUInt16BE(0x8180, 2);
  [1, isAddress ? 1 : 0, 0, 0].forEach((count, index) => head.writeUInt16BE(count, 4 + 2 * index));
  if (!isAddress) return head;
  return Buffer.concat([
    head,
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]),
    Buffer.from(to.split(".").map(Number)),
  ]);
}
