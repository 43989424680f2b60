/*
 * page.node: shows the page of /run/thaw/generation to JavaScript, as the ArrayBuffer `page`. After a restore it holds
 * other numbers, so that code in any thread can ask "was I cloned?" for the price of a load.
 *
 * Node-API is stable and exported by the program: its few declarations stand here, so that no headers are needed to
 * build this.
 */
#include <stddef.h>
#include <stdint.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
extern int napi_create_external_arraybuffer(
    napi_env, void *data, size_t size, void (*finalize)(napi_env, void *, void *), void *hint, napi_value *);
extern int napi_set_named_property(napi_env, napi_value object, const char *name, napi_value value);
extern int open(const char *path, int flags, ...);
extern int close(int fd);
extern void *mmap(void *, size_t, int, int, int, long);

#define PAGE_SIZE 4096
#define OPEN_CLOEXEC 02000000

static void keep(napi_env env, void *data, void *hint) {
    (void)env;
    (void)data;
    (void)hint;
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
    int fd = open("/run/thaw/generation", OPEN_CLOEXEC);
    if (fd < 0) return exports;
    void *page = mmap(NULL, PAGE_SIZE, 1 /* read */, 1 /* shared */, fd, 0);
    close(fd);
    napi_value buffer;
    if (page != (void *)-1 && napi_create_external_arraybuffer(env, page, PAGE_SIZE, keep, NULL, &buffer) == 0)
        napi_set_named_property(env, exports, "page", buffer);
    return exports;
}
