/*
 * Part of libthaw-unique.so: two answers that programs get on AWS Lambda, and that the kernel or the host's files would
 * give otherwise.
 *
 * RLIMIT_NPROC is 742 (recorded). The kernel counts processes of a user over all environments of a function, so that
 * its own limit can't be that: it would hold all of them together. What holds each is its control group.
 *
 * LANG is en_US.UTF-8, a locale that hosts need not have; nor has Amazon Linux 2023. Then the characters are UTF-8
 * nevertheless, as C.UTF-8 has them, and all else stays as without a locale. A JVM would take all text for ASCII.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "unique.h"

#define LIMIT_OF_PROCESSES 6
#define PROCESSES_MAX 742
/* glibc's numbers; musl knows no missing locale. */
#define FOR_CHARACTERS 0
#define FOR_ALL 6
#define HAS_CHARACTERS "C.UTF-8"
#define MISSING "en_US.UTF-8"

struct limit {
    uint64_t now, most;
};

extern int *__errno_location(void) __attribute__((weak));
extern char *getenv(const char *name) __attribute__((weak));
#pragma weak dlsym

static int answer(long result) {
    if (!is_error(result)) return (int)result;
    if (__errno_location) *__errno_location() = (int)-result;
    return -1;
}

static int ask(int pid, int resource, const struct limit *wanted, struct limit *found) {
    long result = call(SYS_prlimit64, pid, resource, (long)wanted, (long)found, 0, 0);
    if (!is_error(result) && found && resource == LIMIT_OF_PROCESSES) {
        if (found->now > PROCESSES_MAX) found->now = PROCESSES_MAX;
        if (found->most > PROCESSES_MAX) found->most = PROCESSES_MAX;
    }
    return answer(result);
}

__attribute__((visibility("default"))) int getrlimit(int resource, struct limit *found) {
    return ask(0, resource, NULL, found);
}

__attribute__((visibility("default"), alias("getrlimit"))) int getrlimit64(int resource, struct limit *found);

__attribute__((visibility("default")))
int prlimit(int pid, int resource, const struct limit *wanted, struct limit *found) {
    return ask(pid, resource, wanted, found);
}

__attribute__((visibility("default"), alias("prlimit")))
int prlimit64(int pid, int resource, const struct limit *wanted, struct limit *found);

static int is_same(const char *one, const char *other) {
    while (*one && *one == *other) one++, other++;
    return *one == *other;
}

typedef char *(*set_locale)(int category, const char *name);

__attribute__((visibility("default"))) char *setlocale(int category, const char *name) {
    static set_locale found;
    set_locale real = __atomic_load_n(&found, __ATOMIC_ACQUIRE);
    if (!real) {
        real = dlsym ? (set_locale)dlsym(RTLD_NEXT, "setlocale") : NULL;
        if (!real) return NULL;
        __atomic_store_n(&found, real, __ATOMIC_RELEASE);
    }
    char *set = real(category, name);
    if (set || !name || name[0] || !getenv) return set;
    const char *language = getenv("LANG");
    if (!language || !is_same(language, MISSING)) return set;
    if (category != FOR_CHARACTERS && category != FOR_ALL) return set;
    return real(FOR_CHARACTERS, HAS_CHARACTERS) ? real(category, NULL) : NULL;
}
