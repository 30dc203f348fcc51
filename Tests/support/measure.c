/* Runs a program, and says on standard error's last line what it cost: `KIBIBYTES MILLISECONDS`, the most memory that it
 * had and its time of a processor.
 *
 * A process is charged with the memory that its parent had when it was made: this parent has none to speak of.
 *
 * Usage: measure SECONDS PROGRAM ARGUMENT…; the exit status is the program's, 128 and the number of a signal, or 124
 * where it took longer. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;
static volatile sig_atomic_t late;

static void end_it(int number) {
    (void)number;
    late = 1;
    kill(child, SIGKILL);
}

static long milliseconds(struct timeval time) { return time.tv_sec * 1000 + time.tv_usec / 1000; }

int main(int count, char **words) {
    if (count < 3) return 2;
    child = fork();
    if (child == 0) {
        execv(words[2], words + 2);
        perror(words[2]);
        _exit(127);
    }
    if (child < 0) return 2;
    /* The program alone has the pipes: whoever writes to it learns that it is gone. */
    close(0);
    close(1);
    signal(SIGALRM, end_it);
    alarm((unsigned)atoi(words[1]));
    int status;
    struct rusage usage;
    while (wait4(child, &status, 0, &usage) < 0) {}
    fprintf(stderr, "%ld %ld\n", usage.ru_maxrss, milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime));
    if (late) return 124;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
