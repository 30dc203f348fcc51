#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/// prctl() takes a variable number of arguments, which Swift cannot call.
static inline int process_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/// mremap() takes a variable number of arguments too. Pages get another size, and another place where they must.
void *mremap(void *place, size_t size, size_t new_size, int flags, ...);
static inline void *process_move_pages(void *place, size_t size, size_t new_size) {
    return mremap(place, size, new_size, 1 /* MREMAP_MAYMOVE */);
}

// GNU's own functions, which Swift's Glibc does not show.
int memfd_create(const char *name, unsigned int flags);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
size_t malloc_usable_size(void *memory);
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
