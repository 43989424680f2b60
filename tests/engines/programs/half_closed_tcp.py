import socket

# Each end of a connection inside the sandbox is closed for sending by one of the two.
server = socket.create_server(("127.0.0.1", 7200))
pairs = []
for _ in range(2):
    client = socket.create_connection(("127.0.0.1", 7200))
    pairs.append((client, server.accept()[0]))
(by_client, of_client), (of_server, by_server) = pairs
by_client.send(b"last")
by_client.shutdown(socket.SHUT_WR)
by_server.send(b"last")
by_server.shutdown(socket.SHUT_WR)


def check():
    for closed, other in ((by_client, of_client), (by_server, of_server)):
        if (first := other.recv(10)) != b"last" or (second := other.recv(10)) != b"":
            return f"the other end hears {first!r} {second!r}"
        other.send(b"answer")
        if (answer := closed.recv(10)) != b"answer":
            return f"the closed end hears {answer!r}"
    return "ok"
