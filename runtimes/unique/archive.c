/*
 * Part of libthaw-unique.so: the JVM's class data archive is read into memory instead of being mapped.
 *
 * The JVM maps the writable part of its archive privately and changes most of it at start. A restore has to read such
 * pages before anything runs, since userfaultfd takes no private file mappings (docs/design/0005): a thousand pages, 4
 * ms of each cold start. In anonymous memory they come on demand like all others, and for the JVM nothing is different.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "unique.h"

#define PROT_WRITABLE 2
#define MAP_KIND 0x0f
#define MAP_IS_PRIVATE 2
#define MAP_AT_ADDRESS 0x10
#define MAP_HAS_NO_FILE 0x20
#define JVM "libjvm.so"

/* Of musl too; where there is none nobody looks at it. */
extern int *__errno_location(void) __attribute__((weak));

/* 0: the file could not be read. */
static int fill(long address, size_t size, int fd, long offset) {
    for (size_t done = 0; done < size;) {
        long length = call(SYS_pread64, fd, address + (long)done, (long)(size - done), offset + (long)done, 0, 0);
        if (length < 0) return 0;
        /* Behind the end of the file. */
        if (length == 0) break;
        done += (size_t)length;
    }
    return 1;
}

static void *returned(long result) {
    if (!is_error(result)) return (void *)result;
    if (__errno_location) *__errno_location() = (int)-result;
    return (void *)-1;
}

__attribute__((visibility("default")))
void *mmap(void *at, size_t size, int protection, int flags, int fd, long offset) {
    int is_private = (flags & MAP_KIND) == MAP_IS_PRIVATE;
    int is_changeable = fd >= 0 && is_private && !(flags & MAP_HAS_NO_FILE) && (protection & PROT_WRITABLE);
    if (is_changeable && is_called_from(JVM, sizeof JVM - 1, (uintptr_t)__builtin_return_address(0))) {
        long memory = call(SYS_mmap, (long)at, (long)size, protection, flags | MAP_HAS_NO_FILE, -1, 0);
        if (is_error(memory)) return returned(memory);
        if (fill(memory, size, fd, offset)) return (void *)memory;
        return returned(call(SYS_mmap, memory, (long)size, protection, flags | MAP_AT_ADDRESS, fd, offset));
    }
    return returned(call(SYS_mmap, (long)at, (long)size, protection, flags, fd, offset));
}

__attribute__((visibility("default"), alias("mmap")))
void *mmap64(void *at, size_t size, int protection, int flags, int fd, long offset);
