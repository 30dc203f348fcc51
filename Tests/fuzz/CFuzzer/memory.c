#include "fuzzer.h"

#include <stdatomic.h>

// The sanitizer's allocator tells what it does (compiler-rt: sanitizer/allocator_interface.h).
int __sanitizer_install_malloc_and_free_hooks(
    void (*on_malloc)(const volatile void *, size_t), void (*on_free)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *memory);

// Readers that work on several processors allocate on several threads.
static _Atomic int64_t live, peak;

static void on_malloc(const volatile void *memory, size_t size) {
    int64_t now = atomic_fetch_add(&live, (int64_t)size) + (int64_t)size;
    int64_t known = peak;
    while (now > known && !atomic_compare_exchange_weak(&peak, &known, now)) {}
}

static void on_free(const volatile void *memory) {
    if (memory) atomic_fetch_sub(&live, (int64_t)__sanitizer_get_allocated_size(memory));
}

void memory_watch(void) { __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free); }

int64_t memory_live(void) { return live; }

void memory_forget_peak(void) { atomic_store(&peak, atomic_load(&live)); }

int64_t memory_peak(void) { return peak; }
