/* FBX files, by Assimp in another process.
 *
 * Assimp's reader is not safe against made-up files: it runs in the program amble-fbx (motion/fbx/main.c), with at most
 * 2 GiB of memory, 60 s of processor time and 256 MiB of output, is killed after 90 s, and gives binary glTF, which is
 * read as any other (motion/glb.h). The program is $AMBLE_FBX, else amble-fbx beside the running program, in
 * ../libexec/amble beside it or beside the library, or that of the build. */
#ifndef AMI_MOTION_FBX_H
#define AMI_MOTION_FBX_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether it is an FBX file, binary or text. */
bool ami_fbx_looks_like(const void *bytes, size_t size);

/* The file's skeleton and longest animation as binary glTF, malloc'd, *length long. NULL and a sentence where the file is
 * wrong, takes too much, or the program is missing. Waits for the other process; may be called by several threads. */
uint8_t *ami_fbx_to_glb(const void *bytes, size_t size, size_t *length, ami_error *err);

#endif
