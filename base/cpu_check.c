/* Refuses a CPU that MuJoCo's library cannot run on, with a sentence instead of "Illegal instruction".
 *
 * The wheel's libmujoco is compiled for AVX and uses it in a constructor, so main() is too late. The
 * functions in .preinit_array run before the constructors of every library; only a program may have them.
 * CMake compiles this file into each program (ami_program) where the libmujoco that is linked needs AVX. No
 * library is set up yet: nothing here but system calls. */
#include <string.h>
#include <unistd.h>

enum { BAD_INPUT = 2 }; /* options/options.h */

static void check_cpu(int argc, char **argv, char **environment)
{
    (void)argc;
    (void)argv;
    (void)environment;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx"))
        return;
    static const char sentence[] = AMB_PROGRAM
        ": this CPU, or the virtual machine, has no AVX instructions, which MuJoCo's library needs; "
        "x86-64 CPUs have them since 2011\n";
    ssize_t written = write(STDERR_FILENO, sentence, sizeof sentence - 1);
    (void)written;
    _exit(BAD_INPUT);
}

__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(int, char **,
                                                                                       char **) = check_cpu;
