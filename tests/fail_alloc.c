/* A library for LD_PRELOAD that makes a program's allocations fail: malloc, calloc, realloc, aligned_alloc,
 * memalign, posix_memalign and mmap of memory; operator new of every C++ library calls malloc. Counting
 * begins with main, because a program cannot handle failures of the dynamic linker and of constructors. Child
 * processes are not affected.
 *
 *   FAIL_ALLOC_FIRST=N   the N-th request fails (from 1; 0: none)
 *   FAIL_ALLOC_COUNT=M   and the next M - 1; 0 (default): and all later ones
 *   FAIL_ALLOC_SIZE=S    only requests of S bytes and more are counted and fail
 *   FAIL_ALLOC_LOG=FILE  at exit: the number of requests
 *   FAIL_ALLOC_SKIP=A:B  requests of libraries whose path contains A or B are not counted, direct or through
 *                        the C library
 *   FAIL_THREADS_FIRST=N the N-th call of pthread_create (from 1) and all later ones fail
 *   FAIL_ALLOC_TRACE=1   prints the stack of the first failed request on standard error (for debugging) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_bool counting, traced;
static atomic_ullong requests, threads;
static unsigned long long first, last, least, first_thread;
static bool trace;
static const char *log_file;

static unsigned long long number(const char *name)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : 0;
}

static void write_log(void)
{
    char text[32];
    const int length = snprintf(text, sizeof text, "%llu\n", (unsigned long long)requests);
    const int file = open(log_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0 || write(file, text, (size_t)length) != length)
        _exit(3);
    close(file);
}

/* Whose code is at an address, by the libraries' paths: of those that are skipped; of the libraries of C and
 * C++, the compiler's and the dynamic linker, which ask on behalf of others; or of anybody else. */
enum owner { ANYBODY, SKIPPED, GO_BETWEEN };
enum { MOST_AREAS = 1024 };

static struct area {
    uintptr_t from, until;
    enum owner owner;
} area[MOST_AREAS];
static int areas;
static const char *skip; /* NULL: nothing is skipped */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_skipped(const char *path)
{
    for (const char *word = skip; *word;) {
        const size_t length = strcspn(word, ":");
        if (length > 0 && memmem(path, strlen(path), word, length))
            return true;
        word += length + (word[length] == ':');
    }
    return false;
}

static void read_areas(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4600];
    areas = 0;
    while (maps && fgets(line, sizeof line, maps) && areas < MOST_AREAS) {
        unsigned long from, until;
        if (sscanf(line, "%lx-%lx r-x", &from, &until) != 2 || !strstr(line, " r-x"))
            continue;
        const bool between = strstr(line, "/libc.so") || strstr(line, "/libstdc++.so") ||
                             strstr(line, "/libgcc_s.so") || strstr(line, "/ld-linux");
        area[areas++] = (struct area){from, until,
                                      is_skipped(line) ? SKIPPED
                                      : between        ? GO_BETWEEN
                                                       : ANYBODY};
    }
    if (maps)
        fclose(maps);
}

static enum owner owner_of(const void *address)
{
    const uintptr_t at = (uintptr_t)address;
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < areas; i++)
            if (at >= area[i].from && at < area[i].until)
                return area[i].owner;
        read_areas(); /* a library may have come since */
    }
    return ANYBODY; /* code made at run time */
}

static bool is_asked_for_by_skipped(const void *caller)
{
    static _Thread_local bool busy; /* looking asks for memory itself */
    if (!skip)
        return false;
    if (busy)
        return true;
    busy = true;
    pthread_mutex_lock(&lock);
    enum owner owner = owner_of(caller);
    if (owner == GO_BETWEEN) {
        void *frame[24];
        const int n = backtrace(frame, 24);
        bool found = false;
        for (int i = 0; i < n && owner == GO_BETWEEN; i++) {
            found = found || frame[i] == caller;
            if (found)
                owner = owner_of(frame[i]);
        }
    }
    pthread_mutex_unlock(&lock);
    busy = false;
    return owner == SKIPPED;
}

static bool fails(size_t size, const void *caller)
{
    if (!atomic_load_explicit(&counting, memory_order_relaxed) || size < least ||
        is_asked_for_by_skipped(caller))
        return false;
    const unsigned long long n = 1 + atomic_fetch_add_explicit(&requests, 1, memory_order_relaxed);
    if (first == 0 || n < first || n > last)
        return false;
    if (trace && !atomic_exchange(&traced, true)) {
        atomic_store(&counting, false);
        void *frame[32];
        fprintf(stderr, "request %llu, %zu bytes:\n", n, size);
        backtrace_symbols_fd(frame, backtrace(frame, 32), STDERR_FILENO);
        atomic_store(&counting, true);
    }
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails(size, __builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails(count * size, __builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return fails(size, __builtin_return_address(0)) ? NULL : __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size)
{
    return fails(size, __builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails(size, __builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    void *found = fails(size, __builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
    if (!found)
        return ENOMEM;
    *block = found;
    return 0;
}

void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset)
{
    if ((flags & MAP_ANONYMOUS) && fails(size, __builtin_return_address(0)))
        return MAP_FAILED;
    /* NOLINT: sets errno, MAP_FAILED is -1 */
    return (void *)syscall(SYS_mmap, at, size, protection, flags, file, offset);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context)
{
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    void *found = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&create, &found, sizeof create);
    if (first_thread > 0 && !is_asked_for_by_skipped(__builtin_return_address(0)) &&
        1 + atomic_fetch_add(&threads, 1) >= first_thread)
        return EAGAIN;
    return create(thread, attributes, run, context);
}

static int (*program)(int, char **, char **);

static int counted(int argc, char **argv, char **environment)
{
    first = number("FAIL_ALLOC_FIRST");
    const unsigned long long count = number("FAIL_ALLOC_COUNT");
    last = count > 0 ? first + count - 1 : UINT64_MAX;
    least = number("FAIL_ALLOC_SIZE");
    first_thread = number("FAIL_THREADS_FIRST");
    log_file = getenv("FAIL_ALLOC_LOG");
    skip = getenv("FAIL_ALLOC_SKIP");
    trace = number("FAIL_ALLOC_TRACE") > 0;
    unsetenv("LD_PRELOAD");
    if (log_file)
        atexit(write_log);
    if (trace || skip) {
        void *frame[1];
        backtrace(frame, 1); /* loads what it needs */
    }
    atomic_store(&counting, true);
    return program(argc, argv, environment);
}

typedef int start_function(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                           void (*)(void), void *);
start_function __libc_start_main;
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*linker_fini)(void), void *stack_end)
{
    start_function *start;
    void *found = dlsym(RTLD_NEXT, "__libc_start_main");
    memcpy(&start, &found, sizeof start);
    program = main;
    return start(counted, argc, argv, init, fini, linker_fini, stack_end);
}
