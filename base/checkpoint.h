/* A checkpoint: a file of named sections of bytes with everything that a training run needs to continue bit
 * for bit.
 *
 * The file is for the machine and the program version that wrote it: sections hold structs as they are in
 * memory. Reading checks that the file is unchanged: sizes, bounds, and a CRC-32C of every section and of the
 * whole. It is written in one atomic replacement (base/file.h), so a crash or a full disk leaves the previous
 * checkpoint as it was. It does not know what the sections mean, does not convert byte orders, does not
 * compress.
 *
 * Layout, integers little endian:
 *   header    "AMBLECKP", u32 version, u32 number of sections, u64 bytes of the whole file, u32 0x01020304 in
 *             the writer's own byte order, u32 zero
 *   sections  each: char name[48] padded with zeros, u64 size, u32 CRC-32C of the data, u32 zero, then the
 *             data padded with zeros to 8 bytes
 *   trailer   u32 CRC-32C of all before it
 */
#ifndef AMI_BASE_CHECKPOINT_H
#define AMI_BASE_CHECKPOINT_H

#include "base/error.h"

#include <stddef.h>

enum { AMI_CHECKPOINT_NAME = 48 }; /* bytes of a section's name with its final zero */

typedef struct ami_checkpoint_writer ami_checkpoint_writer;
typedef struct ami_checkpoint ami_checkpoint;

ami_checkpoint_writer *ami_checkpoint_writer_create(ami_error *err); /* NULL when memory is short */
void ami_checkpoint_writer_destroy(ami_checkpoint_writer *writer);   /* NULL is fine */

/* Adds a copy of `size` bytes (0 is fine). False where the name is not 1..47 characters long or was used
 * before, the file would outgrow 4 GiB, or memory is short; the writer is then as it was. */
AMI_MUST_CHECK bool ami_checkpoint_put(ami_checkpoint_writer *writer, const char *name, const void *data,
                                       size_t size, ami_error *err);

/* Writes PATH atomically; on error false, and the old file as it was. The writer stays usable: more sections
 * may be added and saved. */
AMI_MUST_CHECK bool ami_checkpoint_save(ami_checkpoint_writer *writer, const char *path, ami_error *err);

/* Reads and checks a whole file (4 GiB at most). NULL and a sentence that begins with PATH on error. */
ami_checkpoint *ami_checkpoint_read(const char *path, ami_error *err);
void ami_checkpoint_destroy(ami_checkpoint *checkpoint); /* NULL is fine */

const char *ami_checkpoint_path(const ami_checkpoint *checkpoint); /* as given to ami_checkpoint_read */

/* Whether the file is still the one that was read: false and a sentence if it was replaced, changed or
 * removed since. */
bool ami_checkpoint_is_current(const ami_checkpoint *checkpoint, ami_error *err);

/* A section by name, aligned to 8 bytes, valid until destroy; NULL where there is none. An empty section is
 * not NULL. */
const void *ami_checkpoint_find(const ami_checkpoint *checkpoint, const char *name, size_t *size);

/* Copies a section of exactly `size` bytes; false, a sentence and `out` untouched if there is none or it has
 * another size. */
AMI_MUST_CHECK bool ami_checkpoint_get(const ami_checkpoint *checkpoint, const char *name, void *out,
                                       size_t size, ami_error *err);

#endif
