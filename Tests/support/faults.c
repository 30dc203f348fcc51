/* A library for LD_PRELOAD under which one call of a program fails, or its clock jumps. It is told in the environment:

   FAULT_CALL    open, write, fsync, rename, ftruncate, flock or unlink; or clock
   FAULT_AT      which of these calls, from 1
   FAULT_ERRNO   what it fails with; 0: a write does half its work and the next one has no space left; -1: SIGKILL
   FAULT_PATH    only calls on files whose path has this in it count
   FAULT_MARK    a file that is made when the call fails: where it is absent, there were fewer such calls
   FAULT_CLOCK   how many seconds the clock of the day jumps at that call; FAULT_BOOT: that of the time since the boot
*/
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static atomic_long calls;
static atomic_int isFull;

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static int isAbout(const char *path) {
    const char *wanted = getenv("FAULT_PATH");
    return !wanted || (path && strstr(path, wanted));
}

static const char *pathOf(int descriptor, char *buffer, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t count = readlink(link, buffer, size - 1);
    buffer[count > 0 ? count : 0] = 0;
    return buffer;
}

/* Whether this call is the one. */
static int isDue(const char *call, const char *path) {
    const char *wanted = getenv("FAULT_CALL");
    if (!wanted || strcmp(wanted, call) || !isAbout(path) || ++calls != number("FAULT_AT")) return 0;
    const char *mark = getenv("FAULT_MARK");
    if (mark) syscall(SYS_close, syscall(SYS_open, mark, O_CREAT | O_WRONLY, 0600));
    if (number("FAULT_ERRNO") == -1) kill(getpid(), SIGKILL);
    errno = number("FAULT_ERRNO");
    return 1;
}

static int isDueOf(const char *call, int descriptor) {
    char path[4096];
    return getenv("FAULT_CALL") && isDue(call, pathOf(descriptor, path, sizeof path));
}

static int opened(const char *path, int flags, va_list list) {
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    return isDue("open", path) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    int descriptor = opened(path, flags, list);
    va_end(list);
    return descriptor;
}

int open64(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    int descriptor = opened(path, flags, list);
    va_end(list);
    return descriptor;
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    char path[4096];
    if (isFull && isAbout(pathOf(descriptor, path, sizeof path))) {
        errno = ENOSPC;
        return -1;
    }
    if (isDueOf("write", descriptor)) {
        if (errno) return -1;
        isFull = 1;
        count /= 2;
    }
    return syscall(SYS_write, descriptor, bytes, count);
}

int fsync(int descriptor) { return isDueOf("fsync", descriptor) ? -1 : (int)syscall(SYS_fsync, descriptor); }

int ftruncate(int descriptor, off_t length) {
    return isDueOf("ftruncate", descriptor) ? -1 : (int)syscall(SYS_ftruncate, descriptor, length);
}

int flock(int descriptor, int operation) {
    return isDueOf("flock", descriptor) ? -1 : (int)syscall(SYS_flock, descriptor, operation);
}

int rename(const char *from, const char *to) {
    return isDue("rename", to) ? -1 : (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path) { return isDue("unlink", path) ? -1 : (int)syscall(SYS_unlink, path); }

/* Clocks: from the call that is due on, time is another. */
static long jump(const char *by) {
    const char *wanted = getenv("FAULT_CALL");
    if (!wanted || strcmp(wanted, "clock")) return 0;
    return ++calls >= number("FAULT_AT") ? number(by) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int status = (int)syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += jump("FAULT_CLOCK");
    else if (clock == CLOCK_BOOTTIME || clock == CLOCK_MONOTONIC) now->tv_sec += jump("FAULT_BOOT");
    return status;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict result, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    result->tv_sec = now.tv_sec;
    result->tv_usec = now.tv_nsec / 1000;
    return 0;
}
