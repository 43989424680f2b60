/*
 * rapid-client.node: requests of the Runtime API below JavaScript's http and net, which tracing and mocking modules of
 * a function replace. As in AWS's client (src/native/rapid-client.cc of aws-lambda-ric), a response is out before
 * `post` returns, so that it counts even where process.exit follows.
 *
 *   post(host, port, request) -> status       waits for the answer; 0 where there was none
 *   poll(host, port, request, callback)       calls back with the answer's head and body, or with nothing
 *
 * Each of them has a connection that it keeps. A request is a whole HTTP request; who calls makes it.
 *
 * Node-API and libuv are stable and exported by the program: their few declarations stand here, so that no headers of
 * Node.js are needed to build this.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_ref__ *napi_ref;
typedef struct napi_callback_info__ *napi_callback_info;
typedef struct napi_async_context__ *napi_async_context;
typedef struct napi_handle_scope__ *napi_handle_scope;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
extern int napi_async_init(napi_env, napi_value resource, napi_value name, napi_async_context *);
extern int napi_close_handle_scope(napi_env, napi_handle_scope);
extern int napi_create_function(napi_env, const char *, size_t, napi_callback, void *, napi_value *);
extern int napi_create_int32(napi_env, int32_t, napi_value *);
extern int napi_create_reference(napi_env, napi_value, uint32_t, napi_ref *);
extern int napi_create_string_utf8(napi_env, const char *, size_t, napi_value *);
extern int napi_delete_reference(napi_env, napi_ref);
extern int napi_get_cb_info(napi_env, napi_callback_info, size_t *, napi_value *, napi_value *, void **);
extern int napi_get_global(napi_env, napi_value *);
extern int napi_get_reference_value(napi_env, napi_ref, napi_value *);
extern int napi_get_uv_event_loop(napi_env, void **);
extern int napi_get_value_string_utf8(napi_env, napi_value, char *, size_t, size_t *);
extern int napi_make_callback(
    napi_env, napi_async_context, napi_value, napi_value, size_t, const napi_value *, napi_value *);
extern int napi_open_handle_scope(napi_env, napi_handle_scope *);
extern int napi_set_named_property(napi_env, napi_value, const char *, napi_value);

#define UV_POLL 8
#define UV_READABLE 1
typedef void (*poll_callback)(void *handle, int status, int events);
extern size_t uv_handle_size(int type);
extern int uv_poll_init(void *loop, void *handle, int fd);
extern int uv_poll_start(void *handle, int events, poll_callback);
extern int uv_poll_stop(void *handle);
extern void uv_close(void *handle, void (*closed)(void *handle));

/* More than the largest event and its head. */
#define ANSWER_SIZE_MAX (16 * 1024 * 1024)
#define READ_SIZE (64 * 1024)

struct answer {
    char *bytes;
    size_t size, room;
    int status;
    /* Of the head with its blank line, and of the body, once they are known. */
    size_t head_size, body_size;
    int closes;
};

struct connection {
    int fd;
    /* Of libuv, for `poll` only. */
    void *handle;
    struct answer answer;
};

enum progress { INCOMPLETE, COMPLETE, BROKEN };

static struct connection posting = {.fd = -1}, polling = {.fd = -1};
/* The request that `poll` is at, and whether its connection was used before. */
static char *polled;
static size_t polled_size;
static char *host, *port;
static int was_kept;
static napi_env poll_env;
static napi_ref poll_function;
static napi_async_context poll_context;

/* Answers: the head, then a body by its length, in chunks, or up to the end of the connection. */

static const char *find(const char *bytes, size_t size, const char *wanted) {
    return memmem(bytes, size, wanted, strlen(wanted));
}

/* The value of a field in a head, null where it is not there. */
static const char *field(const struct answer *answer, const char *name) {
    size_t length = strlen(name);
    const char *end = answer->bytes + answer->head_size;
    for (const char *line = find(answer->bytes, answer->head_size, "\r\n"); line != NULL;) {
        line += 2;
        if ((size_t)(end - line) <= length) return NULL;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            for (line += length + 1; *line == ' ' || *line == '\t'; line++);
            return line;
        }
        line = find(line, (size_t)(end - line), "\r\n");
    }
    return NULL;
}

/* Puts the chunks' content together, at the beginning of the body. */
static enum progress join_chunks(struct answer *answer) {
    char *end = answer->bytes + answer->size;
    char *from = answer->bytes + answer->head_size, *to = from;
    /* Once to see whether all of it is there, then to move it. */
    for (int moves = 0; moves < 2; moves++) {
        from = to = answer->bytes + answer->head_size;
        for (;;) {
            const char *line = find(from, (size_t)(end - from), "\r\n");
            if (line == NULL) return INCOMPLETE;
            size_t length = strtoul(from, NULL, 16);
            if (length > ANSWER_SIZE_MAX) return BROKEN;
            from = (char *)line + 2;
            if (length == 0) break;
            if ((size_t)(end - from) < length + 2) return INCOMPLETE;
            if (moves) memmove(to, from, length);
            to += length;
            from += length + 2;
        }
        /* Fields after the last chunk are of no use. */
        if (find(from - 2, (size_t)(end - from) + 2, "\r\n\r\n") == NULL) return INCOMPLETE;
    }
    answer->body_size = (size_t)(to - (answer->bytes + answer->head_size));
    return COMPLETE;
}

static enum progress parse(struct answer *answer, int has_ended) {
    const char *blank = answer->size == 0 ? NULL : find(answer->bytes, answer->size, "\r\n\r\n");
    if (blank == NULL) return has_ended ? BROKEN : INCOMPLETE;
    answer->head_size = (size_t)(blank - answer->bytes) + 4;
    if (answer->head_size < 16 || strncmp(answer->bytes, "HTTP/1.", 7) != 0) return BROKEN;
    answer->status = atoi(answer->bytes + 9);
    const char *connection = field(answer, "connection");
    answer->closes = connection != NULL && strncasecmp(connection, "close", 5) == 0;
    const char *encoding = field(answer, "transfer-encoding");
    const char *length = field(answer, "content-length");
    if (encoding != NULL && strncasecmp(encoding, "chunked", 7) == 0) {
        enum progress progress = join_chunks(answer);
        return progress == INCOMPLETE && has_ended ? BROKEN : progress;
    }
    size_t there = answer->size - answer->head_size;
    if (length == NULL && answer->status != 204) {
        answer->closes = 1;
        answer->body_size = there;
        return has_ended ? COMPLETE : INCOMPLETE;
    }
    answer->body_size = length == NULL ? 0 : strtoul(length, NULL, 10);
    if (answer->body_size > ANSWER_SIZE_MAX) return BROKEN;
    if (there >= answer->body_size) return COMPLETE;
    return has_ended ? BROKEN : INCOMPLETE;
}

/* Reads once. */
static enum progress receive(struct connection *connection, int flags) {
    struct answer *answer = &connection->answer;
    if (answer->room - answer->size < READ_SIZE) {
        size_t room = answer->room * 2 + READ_SIZE;
        char *bytes = room > 2 * ANSWER_SIZE_MAX ? NULL : realloc(answer->bytes, room);
        if (bytes == NULL) return BROKEN;
        answer->bytes = bytes;
        answer->room = room;
    }
    ssize_t size = recv(connection->fd, answer->bytes + answer->size, READ_SIZE, flags);
    if (size < 0) return errno == EINTR || errno == EAGAIN ? INCOMPLETE : BROKEN;
    answer->size += (size_t)size;
    return parse(answer, size == 0);
}

/* Connections. */

static int connect_to(struct connection *connection) {
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, port, &wanted, &found) != 0) return 0;
    for (struct addrinfo *each = found; each != NULL && connection->fd < 0; each = each->ai_next) {
        int fd = socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int on = 1;
        if (fd >= 0 && connect(fd, each->ai_addr, each->ai_addrlen) == 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            connection->fd = fd;
        } else if (fd >= 0) {
            close(fd);
        }
    }
    freeaddrinfo(found);
    return connection->fd >= 0;
}

static void disconnect(struct connection *connection) {
    if (connection->handle != NULL) uv_close(connection->handle, free);
    if (connection->fd >= 0) close(connection->fd);
    connection->handle = NULL;
    connection->fd = -1;
}

/* Memory kept here would be in every snapshot. */
static void finish(struct connection *connection) {
    int closes = connection->answer.closes;
    free(connection->answer.bytes);
    memset(&connection->answer, 0, sizeof connection->answer);
    if (closes) disconnect(connection);
}

static int send_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return 0;
        bytes += sent;
        size -= (size_t)sent;
    }
    return 1;
}

/* Whether a request that found its connection closed may be sent again by a new one. */
static int may_retry(const struct connection *connection, int kept) { return kept && connection->answer.size == 0; }

static int exchange(struct connection *connection, const char *request, size_t size) {
    for (;;) {
        int kept = connection->fd >= 0;
        enum progress progress = BROKEN;
        if ((kept || connect_to(connection)) && send_all(connection->fd, request, size)) {
            do progress = receive(connection, 0);
            while (progress == INCOMPLETE);
        }
        int again = progress == BROKEN && may_retry(connection, kept);
        int status = progress == COMPLETE ? connection->answer.status : 0;
        if (progress == BROKEN) connection->answer.closes = 1;
        finish(connection);
        if (!again) return status;
    }
}

/* What JavaScript calls. */

/* A string's bytes, which the caller frees; null where it is none. */
static char *text_of(napi_env env, napi_value value, size_t *size) {
    if (napi_get_value_string_utf8(env, value, NULL, 0, size) != 0) return NULL;
    char *text = malloc(*size + 1);
    if (text != NULL) napi_get_value_string_utf8(env, value, text, *size + 1, size);
    return text;
}

/* Takes host and port, and returns the request. */
static char *take_request(napi_env env, const napi_value *arguments, size_t *size) {
    size_t ignored;
    free(host);
    free(port);
    host = text_of(env, arguments[0], &ignored);
    port = text_of(env, arguments[1], &ignored);
    return host == NULL || port == NULL ? NULL : text_of(env, arguments[2], size);
}

static napi_value post(napi_env env, napi_callback_info info) {
    napi_value arguments[3], status = NULL;
    size_t count = 3, size = 0;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    char *request = count < 3 ? NULL : take_request(env, arguments, &size);
    napi_create_int32(env, request == NULL ? 0 : exchange(&posting, request, size), &status);
    free(request);
    return status;
}

static void start_poll(void);

static void call_back(int is_answered) {
    napi_handle_scope scope;
    napi_value function, receiver, arguments[2];
    struct answer *answer = &polling.answer;
    free(polled);
    polled = NULL;
    napi_open_handle_scope(poll_env, &scope);
    if (is_answered) {
        napi_create_string_utf8(poll_env, answer->bytes, answer->head_size, &arguments[0]);
        napi_create_string_utf8(poll_env, answer->bytes + answer->head_size, answer->body_size, &arguments[1]);
    } else {
        answer->closes = 1;
    }
    finish(&polling);
    napi_get_reference_value(poll_env, poll_function, &function);
    napi_delete_reference(poll_env, poll_function);
    napi_get_global(poll_env, &receiver);
    napi_make_callback(poll_env, poll_context, receiver, function, is_answered ? 2 : 0, arguments, NULL);
    napi_close_handle_scope(poll_env, scope);
}

static void on_readable(void *handle, int status, int events) {
    (void)events;
    enum progress progress = status < 0 ? BROKEN : receive(&polling, MSG_DONTWAIT);
    if (progress == INCOMPLETE) return;
    uv_poll_stop(handle);
    if (progress == COMPLETE) return call_back(1);
    if (!may_retry(&polling, was_kept)) return call_back(0);
    disconnect(&polling);
    start_poll();
}

static void start_poll(void) {
    void *loop;
    was_kept = polling.fd >= 0;
    if ((!was_kept && !connect_to(&polling)) || !send_all(polling.fd, polled, polled_size)) {
        if (!was_kept) return call_back(0);
        disconnect(&polling);
        return start_poll();
    }
    if (polling.handle == NULL) {
        napi_get_uv_event_loop(poll_env, &loop);
        polling.handle = malloc(uv_handle_size(UV_POLL));
        if (polling.handle == NULL) return call_back(0);
        uv_poll_init(loop, polling.handle, polling.fd);
    }
    uv_poll_start(polling.handle, UV_READABLE, on_readable);
}

static napi_value poll(napi_env env, napi_callback_info info) {
    napi_value arguments[4], name;
    size_t count = 4;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    /* One at a time: the connection has only one answer. */
    if (count < 4 || polled != NULL) return NULL;
    polled = take_request(env, arguments, &polled_size);
    if (polled == NULL) return NULL;
    if (poll_context == NULL) {
        napi_create_string_utf8(env, "RuntimeApi", 10, &name);
        napi_async_init(env, NULL, name, &poll_context);
    }
    poll_env = env;
    napi_create_reference(env, arguments[3], 1, &poll_function);
    start_poll();
    return NULL;
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
    napi_value function;
    napi_create_function(env, "post", 4, post, NULL, &function);
    napi_set_named_property(env, exports, "post", function);
    napi_create_function(env, "poll", 4, poll, NULL, &function);
    napi_set_named_property(env, exports, "poll", function);
    return exports;
}
