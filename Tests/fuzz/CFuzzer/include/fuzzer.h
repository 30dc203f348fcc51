#include <stddef.h>
#include <stdint.h>

/// libFuzzer without its own main(): runs `test` on inputs until the arguments say stop (clang: FuzzerInterface.h).
int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*test)(const uint8_t *bytes, size_t count));

/// Counts what this process allocates from here on.
void memory_watch(void);

/// The bytes that are allocated now, of those that were allocated since memory_watch().
int64_t memory_live(void);

/// Forgets the highest value of memory_live() so far.
void memory_forget_peak(void);

/// The highest value of memory_live() since memory_forget_peak().
int64_t memory_peak(void);
