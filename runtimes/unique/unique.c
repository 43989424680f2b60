/*
 * libthaw-unique.so, preloaded into every dynamically linked program of a sandbox: OpenSSL in a clone draws new random
 * numbers. (Its other part, archive.c, makes clones of JVMs start sooner.)
 *
 * OpenSSL keeps its generators in the process, so clones of one snapshot would go on with the same ones. But it knows
 * one event that copies a process: fork. Before each draw it compares getpid() with the value of the last draw and
 * reseeds from the kernel when it differs, all the way up to the first generator (openssl_get_fork_id, since 1.1.1). So
 * a restore is shown to OpenSSL as a fork: getpid, called from OpenSSL, carries in its upper bits how often the
 * generation of the environment has changed. This covers what no wrapper of RAND_bytes can: keys made inside libcrypto,
 * each thread's generator, OpenSSL linked into another library.
 *
 * The generation is in /run/thaw/generation, mapped here. The mapping of a clone shows the clone's own file, so a draw
 * costs one load and one comparison more. No other caller of getpid sees a difference. Nothing is needed from any libc:
 * this must load everywhere.
 *
 * THAW_RESEED_SKIP=all or openssl in the environment turns it off.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "unique.h"

#define PROT_READ_ONLY 1
#define MAP_IS_SHARED 1
#define AT_CWD (-100)
#define OPEN_CLOEXEC 02000000
/* Pids are below 2^22. */
#define PID_BITS 22
#define OBJECTS_MAX 32
/* The function that draws, in 3.x; the file it is in, in 1.1.1: OpenSSL keeps the names for its error messages. */
#define MARKER_3 "ossl_prov_drbg_generate"
#define MARKER_1 "drbg_lib.c"
#define LIBRARY "libcrypto"
#define GENERATE_SIZE_MAX 2048

struct generation_page {
    uint32_t counter;
    uint32_t reserved;
    uint64_t id;
};

struct object {
    uintptr_t start, end;
    int is_openssl;
};

/* Taken from what is loaded; the first is new in glibc 2.35. */
#pragma weak _dl_find_object
#pragma weak dl_iterate_phdr
extern int ossl_prov_drbg_generate(void) __attribute__((weak));
extern int ossl_prov_drbg_instantiate(void) __attribute__((weak));

static const volatile struct generation_page *page;
static uint64_t seen_id;
static uint32_t restores;
static struct object objects[OBJECTS_MAX];
static uint32_t object_count;

static int contains(const char *text, size_t length, const char *word, size_t size) {
    for (size_t at = 0; at + size <= length; at++) {
        if (text[at] != word[0]) continue;
        size_t same = 1;
        while (same < size && text[at + same] == word[same]) same++;
        if (same == size) return 1;
    }
    return 0;
}

static int is_named(const char *name, const char *word, size_t size) {
    size_t length = 0;
    while (name && name[length]) length++;
    return name && contains(name, length, word, size);
}

static int holds_openssl(uintptr_t base, const ElfW(Phdr) *headers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (headers[i].p_type != PT_LOAD || (headers[i].p_flags & PF_W) || !(headers[i].p_flags & PF_R)) continue;
        const char *text = (const char *)(base + headers[i].p_vaddr);
        size_t size = headers[i].p_filesz;
        if (contains(text, size, MARKER_3, sizeof MARKER_3)) return 1;
        if (contains(text, size, MARKER_1, sizeof MARKER_1)) return 1;
    }
    return 0;
}

struct search {
    uintptr_t address;
    int is_first;
    struct object found;
};

static void describe(
    struct object *object, const char *name, uintptr_t base,
    const ElfW(Phdr) *headers, size_t count, int is_program) {
    object->start = UINTPTR_MAX;
    object->end = 0;
    for (size_t i = 0; i < count; i++) {
        if (headers[i].p_type != PT_LOAD) continue;
        uintptr_t start = base + headers[i].p_vaddr;
        if (start < object->start) object->start = start;
        if (start + headers[i].p_memsz > object->end) object->end = start + headers[i].p_memsz;
    }
    /* A program with OpenSSL inside asks for its pid for other ends as well. */
    int is_named_so = is_named(name, LIBRARY, sizeof LIBRARY - 1);
    /* Where the functions are shown, their callers are told apart one by one. */
    uintptr_t shown = (uintptr_t)ossl_prov_drbg_generate;
    int is_shown = shown >= object->start && shown < object->end;
    object->is_openssl = !is_program && !is_shown && (is_named_so || holds_openssl(base, headers, count));
}

static int visit(struct dl_phdr_info *info, size_t size, void *data) {
    struct search *search = data;
    (void)size;
    int is_program = search->is_first;
    search->is_first = 0;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (search->address < start || search->address >= start + info->dlpi_phdr[i].p_memsz) continue;
        describe(&search->found, info->dlpi_name, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum, is_program);
        return 1;
    }
    return 0;
}

static int find_object(uintptr_t address, struct object *object) {
    if (_dl_find_object) {
        /* Takes no lock: safe in a signal handler and after a fork. */
        struct dl_find_object found;
        if (_dl_find_object((void *)address, &found) != 0) return 0;
        /* The program is the first of the list, and has no name. */
        if (found.dlfo_link_map->l_prev == NULL && found.dlfo_link_map->l_name[0] == 0) {
            object->start = (uintptr_t)found.dlfo_map_start;
            object->end = (uintptr_t)found.dlfo_map_end;
            object->is_openssl = 0;
            return 1;
        }
        /* An object with holes between its segments is found piece by piece; only the first begins with its header. */
        const ElfW(Ehdr) *header = found.dlfo_map_start;
        if (contains((const char *)header, SELFMAG, ELFMAG, SELFMAG)) {
            const ElfW(Phdr) *headers = (const ElfW(Phdr) *)((const char *)header + header->e_phoff);
            describe(object, found.dlfo_link_map->l_name, found.dlfo_link_map->l_addr, headers, header->e_phnum, 0);
            return 1;
        }
    }
    if (!dl_iterate_phdr) return 0;
    struct search search = {address, 1, {0, 0, 0}};
    if (!dl_iterate_phdr(visit, &search)) return 0;
    *object = search.found;
    return 1;
}

int is_called_from(const char *name, size_t size, uintptr_t address) {
    struct dl_find_object found;
    if (!_dl_find_object || _dl_find_object((void *)address, &found) != 0) return 0;
    return is_named(found.dlfo_link_map->l_name, name, size);
}

/* One writer at a time; another thread that comes meanwhile does without the table. */
static void remember(const struct object *object) {
    static uint32_t writer;
    uint32_t nobody = 0;
    if (!__atomic_compare_exchange_n(&writer, &nobody, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    uint32_t count = __atomic_load_n(&object_count, __ATOMIC_RELAXED);
    if (count < OBJECTS_MAX) {
        objects[count] = *object;
        __atomic_store_n(&object_count, count + 1, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&writer, 0, __ATOMIC_RELEASE);
}

static int is_openssl(uintptr_t address) {
    /* A program or library that shows OpenSSL's functions (Node.js): the three that ask stand together. */
    if (ossl_prov_drbg_generate && address >= (uintptr_t)ossl_prov_drbg_instantiate &&
        address < (uintptr_t)ossl_prov_drbg_generate + GENERATE_SIZE_MAX)
        return 1;
    uint32_t count = __atomic_load_n(&object_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++)
        if (address >= objects[i].start && address < objects[i].end) return objects[i].is_openssl;
    struct object object;
    if (!find_object(address, &object)) return 0;
    remember(&object);
    return object.is_openssl;
}

/* How often this process was restored since it mapped the page. */
static uint32_t count_restores(void) {
    uint64_t id = page->id;
    uint64_t seen = __atomic_load_n(&seen_id, __ATOMIC_ACQUIRE);
    if (id != seen && __atomic_compare_exchange_n(&seen_id, &seen, id, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        __atomic_add_fetch(&restores, 1, __ATOMIC_ACQ_REL);
    return __atomic_load_n(&restores, __ATOMIC_ACQUIRE);
}

__attribute__((visibility("default"))) int getpid(void) {
    int pid = (int)call(SYS_getpid, 0, 0, 0, 0, 0, 0);
    if (!page) return pid;
    /* Asked before the first restore too: what has to be looked up is then known. */
    if (!is_openssl((uintptr_t)__builtin_return_address(0))) return pid;
    uint32_t count = count_restores();
    return pid | (int)((count & 0x1ff) << PID_BITS);
}

static int starts_with(const char *text, const char *start) {
    while (*start)
        if (*text++ != *start++) return 0;
    return 1;
}

static int is_turned_off(char **environment) {
    for (char **variable = environment; variable && *variable; variable++) {
        if (!starts_with(*variable, "THAW_RESEED_SKIP=")) continue;
        for (const char *at = *variable; *at; at++)
            if ((*at == '=' || *at == ',') && (starts_with(at + 1, "all") || starts_with(at + 1, "openssl"))) return 1;
    }
    return 0;
}

/* The loader hands the environment to constructors; libc's own copy may not be there yet. */
__attribute__((constructor)) static void map_page(int count, char **arguments, char **environment) {
    (void)count;
    (void)arguments;
    if (is_turned_off(environment)) return;
    long fd = call(SYS_openat, AT_CWD, (long)"/run/thaw/generation", OPEN_CLOEXEC, 0, 0, 0);
    if (fd < 0) return;
    long address = call(SYS_mmap, 0, PAGE_SIZE, PROT_READ_ONLY, MAP_IS_SHARED, fd, 0);
    call(SYS_close, fd, 0, 0, 0, 0, 0);
    if (is_error(address)) return;
    page = (const volatile struct generation_page *)address;
    seen_id = page->id;
}
