/* Whole files, safely: read with a bound, write so that a reader sees the old file or the new one and never
 * half of either.
 *
 * Writing goes to a new file "PATH.tmp.PID" (or "PATH.tmp.PID.N" where that is taken) in the same folder,
 * then fsync, rename, fsync of the folder. A failure (a full disk included) removes the temporary file,
 * leaves PATH as it was and says so. A process that is killed leaves its temporary file behind:
 * ami_folder_remove_temporaries is for these. */
#ifndef AMI_BASE_FILE_H
#define AMI_BASE_FILE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Reads a regular file of at most `max_bytes`; the buffer (one extra zero byte behind its end, so that text
 * is a C string) is the caller's to free(). NULL on error: missing, a folder, unreadable, larger than
 * max_bytes, shorter than stat said. */
uint8_t *ami_file_read(const char *path, size_t max_bytes, size_t *size, ami_error *err);

/* The same for a text file: without the byte-order mark that some editors put before UTF-8. One of UTF-16 is
 * an error. */
char *ami_file_read_text(const char *path, size_t max_bytes, size_t *size, ami_error *err);

/* Where text that was read from somewhere begins: behind a byte-order mark, by which *size shrinks. NULL and
 * a sentence without a name for UTF-16. */
const char *ami_text_begin(const char *text, size_t *size, ami_error *err);

/* Atomic replacement as described above. Missing parent folders are an error, not made. An existing file's
 * permissions are kept; a symbolic link is replaced itself; a folder, device or pipe of that name is an
 * error. Safe to call from several threads, also for the same PATH. */
AMI_MUST_CHECK bool ami_file_write(const char *path, const void *data, size_t size, ami_error *err);

/* Whether PATH can be written as a regular file, for what another program or a stream is going to write:
 * false and a sentence where its folder is missing or not writable, or where a folder, device or pipe has
 * that name. Never waits (for a pipe's reader, say); an existing file stays as it is, and a new one is not
 * left behind. */
bool ami_file_check_writable(const char *path, ami_error *err);

/* mkdir -p; an existing folder is success. */
AMI_MUST_CHECK bool ami_folder_make(const char *path, ami_error *err);

/* Removes what killed processes left behind in a folder: regular files named "*.tmp.PID" or "*.tmp.PID.N"
 * that nobody is writing and whose process is not there, or has this process's own number (in a container all
 * have the same). A file that another machine or container is writing is locked by it, and stays. Returns how
 * many were removed; what cannot be removed stays without a word. */
int ami_folder_remove_temporaries(const char *folder);

/* CRC-32C (Castagnoli, reflected, as in RFC 3720), continuing from `crc` (start with 0). Used by checkpoints
 * and TensorBoard records. */
uint32_t ami_crc32c(uint32_t crc, const void *data, size_t size);

#endif
