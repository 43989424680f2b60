/* What the parts of libthaw-unique.so share. Nothing is needed from any libc: the library must load everywhere. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096

static inline long call(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static inline int is_error(long result) {
    return result < 0 && result > -PAGE_SIZE;
}

/* Whether the code at an address is in an object whose file's name has this in it. */
int is_called_from(const char *name, size_t size, uintptr_t address);
