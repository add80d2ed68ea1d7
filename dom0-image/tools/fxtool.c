/* fxtool: what the jobs measure with, in Dom0 and in guests. Static, without options to speak of.
     fxtool tsc     prints the time stamp counter (under QEMU's icount shift=0: instructions since power-on)
     fxtool loops   times getpid, fork, fork+exec, pipe and page faults, in TSC ticks for each, as LOOP lines
     fxtool wait FILE TEXT SECONDS  waits cheaply until FILE contains TEXT, then prints the time stamp counter
     fxtool nothing does nothing (what "loops" executes) */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

typedef void (*work)(int count);

static void check(int ok, const char *what)
{
    if (!ok) {
        printf("LOOP FAILED %s\n", what);
        exit(1);
    }
}

static void getpid_loop(int count)
{
    while (count--)
        syscall(SYS_getpid);
}

static void child(int count, int exec)
{
    while (count--) {
        int status;
        pid_t pid = fork();
        check(pid >= 0, "fork");
        if (pid == 0) {
            if (exec)
                execl("/proc/self/exe", "fxtool", "nothing", NULL);
            _exit(exec);
        }
        check(waitpid(pid, &status, 0) == pid && status == 0, "child");
    }
}

static void fork_loop(int count) { child(count, 0); }
static void exec_loop(int count) { child(count, 1); }

/* One byte to a child and back: two context switches. */
static void pipe_loop(int count)
{
    int there[2], back[2], status;
    char byte = 0;
    check(pipe(there) == 0 && pipe(back) == 0, "pipe");
    pid_t pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0) {
        while (count--)
            if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1)
                _exit(1);
        _exit(0);
    }
    while (count--)
        check(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "pipe transfer");
    check(waitpid(pid, &status, 0) == pid && status == 0, "pipe child");
    close(there[0]), close(there[1]), close(back[0]), close(back[1]);
}

/* Maps memory, touches each page, unmaps it: a page fault for each count. */
static void fault_loop(int count)
{
    size_t size = (size_t)count * 4096;
    char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(area != MAP_FAILED, "mmap");
    madvise(area, size, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < size; at += 4096)
        area[at] = 1;
    munmap(area, size);
}

/* The best of some rounds: what else the machine does meanwhile only ever adds. */
static void measure(const char *name, work run, int count)
{
    unsigned long long best = ~0ULL;
    run(count / 10 + 1); /* warm */
    for (int round = 0; round < 7; round++) {
        unsigned long long start = __rdtsc();
        run(count);
        unsigned long long ticks = __rdtsc() - start;
        if (ticks < best)
            best = ticks;
    }
    printf("LOOP %s %llu ticks each of %d\n", name, best / (unsigned long long)count, count);
}

/* Whether the file contains the text; files are small. */
static int contains(const char *file, const char *text)
{
    static char buffer[1 << 20];
    FILE *f = fopen(file, "r");
    if (!f)
        return 0;
    size_t length = fread(buffer, 1, sizeof buffer, f);
    fclose(f);
    return memmem(buffer, length, text, strlen(text)) != NULL;
}

static int wait_for(const char *file, const char *text, long seconds)
{
    struct timespec pause = {0, 2000000};
    for (long left = seconds * 500; left > 0; left--) {
        if (contains(file, text)) {
            printf("%llu\n", (unsigned long long)__rdtsc());
            return 0;
        }
        nanosleep(&pause, NULL);
    }
    return 1;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(what, "nothing") == 0)
        return 0;
    if (strcmp(what, "tsc") == 0) {
        printf("%llu\n", (unsigned long long)__rdtsc());
        return 0;
    }
    if (strcmp(what, "loops") == 0) {
        measure("getpid", getpid_loop, 5000);
        measure("fork", fork_loop, 40);
        measure("fork_exec", exec_loop, 40);
        measure("pipe_round_trip", pipe_loop, 500);
        measure("page_fault", fault_loop, 1000);
        return 0;
    }
    if (strcmp(what, "wait") == 0 && argc == 5)
        return wait_for(argv[2], argv[3], atol(argv[4]));
    fprintf(stderr, "usage: fxtool tsc|loops|wait FILE TEXT SECONDS|nothing\n");
    return 2;
}
