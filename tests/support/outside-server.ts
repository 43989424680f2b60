/** Answers as S3 (ListBuckets) and as Lambda (ListFunctions) do, keeps connections alive, and tells which connection a request came by. */
import { createServer, type Socket } from "node:net";
import { createServer as createHttpServer } from "node:http";

const [port = "0"] = process.argv.slice(2);
const numbers = new WeakMap<object, number>();
let count = 0;

const BUCKETS = `<?xml version="1.0" encoding="UTF-8"?>
<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>thaw</ID></Owner><Buckets><Bucket><Name>one</Name>
<CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>`;

const http = createHttpServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  request.resume();
  const connection = String(numbers.get(request.socket) ?? 0);
  const headers = { "x-connection": connection, "x-amzn-requestid": "r" };
  if (request.url?.startsWith("/2015-03-31/functions")) {
    response.writeHead(200, { ...headers, "content-type": "application/json" }).end('{"Functions":[]}');
  } else if (request.url === "/connection") {
    response.writeHead(200, { ...headers, "content-type": "text/plain" }).end(connection);
  } else {
    response.writeHead(200, { ...headers, "content-type": "application/xml" }).end(BUCKETS);
  }
});
http.on("connection", (socket: Socket) => numbers.set(socket, ++count));

http.listen(Number(port), () => console.log("listening"));
// A line protocol for raw sockets: each line is answered with the number of the connection.
createServer((socket) => {
  numbers.set(socket, ++count);
  socket.on("error", () => socket.destroy());
  socket.on("data", () => socket.write(`${numbers.get(socket)}\n`));
}).listen(Number(port) + 1);
