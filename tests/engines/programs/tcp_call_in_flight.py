import http.server
import threading
import urllib.request

begun, release = threading.Event(), threading.Event()
answers = []


class Slow(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        begun.set()
        release.wait()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"answered after the restore")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
call = threading.Thread(target=lambda: answers.append(urllib.request.urlopen(url).read()), daemon=True)
call.start()
# A connection that was not accepted yet could not be saved.
begun.wait()


def check():
    release.set()
    call.join(10)
    if answers != [b"answered after the restore"]:
        return f"the call in flight got {answers}"
    return "ok" if urllib.request.urlopen(url).read() == answers[0] else "the server is gone"
