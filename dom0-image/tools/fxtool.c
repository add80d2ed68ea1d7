/* fxtool: what the jobs measure with, in Dom0 and in guests. Static, without options to speak of.
     fxtool tsc     prints the time stamp counter (under QEMU's icount shift=0: instructions since power-on)
     fxtool loops   times getpid, fork, fork+exec, vfork+exec, pipe, page faults and mmap, in TSC ticks for each, as LOOP lines
     fxtool wait FILE TEXT SECONDS  waits cheaply until FILE contains TEXT, then prints the time stamp counter
     fxtool fill MIB SEED  writes so much data, no two words of it alike, to its standard output
     fxtool sum     prints a checksum of its standard input; busybox's md5sum takes minutes for what this does in seconds
     fxtool nothing does nothing (what "loops" executes) */
#define _GNU_SOURCE
#include <stdint.h>
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

static void end_of(pid_t pid)
{
    int status;
    check(pid >= 0 && waitpid(pid, &status, 0) == pid && status == 0, "child");
}

static void exec_nothing(void)
{
    execl("/proc/self/exe", "fxtool", "nothing", NULL);
    _exit(1);
}

static void child(int count, int exec)
{
    while (count--) {
        pid_t pid = fork();
        if (pid == 0) {
            if (exec)
                exec_nothing();
            _exit(0);
        }
        end_of(pid);
    }
}

static void vfork_exec_loop(int count)
{
    while (count--) {
        pid_t pid = vfork();
        if (pid == 0)
            exec_nothing();
        end_of(pid);
    }
}

/* Maps and unmaps a page that is touched: what most programs do between their system calls. */
static void mmap_loop(int count)
{
    while (count--) {
        char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        check(page != MAP_FAILED, "mmap");
        page[0] = 1;
        munmap(page, 4096);
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
    static char text_of[1 << 20];
    FILE *f = fopen(file, "r");
    if (!f)
        return 0;
    size_t length = fread(text_of, 1, sizeof text_of, f);
    fclose(f);
    return memmem(text_of, length, text, strlen(text)) != NULL;
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

/* The words of splitmix64: a permutation of the counter, so that none comes twice. */
static uint64_t word(uint64_t seed, uint64_t n)
{
    uint64_t z = seed + n * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static uint64_t buffer[1 << 13];

static int fill(uint64_t mib, uint64_t seed)
{
    uint64_t n = 0, end = mib << 17;
    while (n < end) {
        for (size_t i = 0; i < sizeof buffer / 8; i++)
            buffer[i] = word(seed, n++);
        if (fwrite(buffer, sizeof buffer, 1, stdout) != 1)
            return 1;
    }
    return fflush(stdout) != 0;
}

/* Each word, its place and the length count. */
static int sum(void)
{
    uint64_t hash = 0xcbf29ce484222325, length = 0;
    size_t got;
    while ((got = fread(buffer, 1, sizeof buffer, stdin)) > 0) {
        memset((char *)buffer + got, 0, -got & 7);
        for (size_t i = 0; i < (got + 7) / 8; i++) {
            hash = (hash ^ buffer[i]) * 0x9e3779b97f4a7c15;
            hash ^= hash >> 32;
        }
        length += got;
    }
    printf("%016llx\n", (unsigned long long)((hash ^ length) * 0x9e3779b97f4a7c15));
    return ferror(stdin) != 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "fill") == 0 && argc == 4)
        return fill(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    if (strcmp(what, "sum") == 0)
        return sum();
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
        measure("vfork_exec", vfork_exec_loop, 40);
        measure("mmap_touch_unmap", mmap_loop, 1000);
        measure("pipe_round_trip", pipe_loop, 500);
        measure("page_fault", fault_loop, 1000);
        return 0;
    }
    if (strcmp(what, "wait") == 0 && argc == 5)
        return wait_for(argv[2], argv[3], atol(argv[4]));
    fprintf(stderr, "usage: fxtool tsc|loops|wait FILE TEXT SECONDS|fill MIB SEED|sum|nothing\n");
    return 2;
}
