/* Whole files: bounded reads, and atomic writes (a reader sees the old file or the new one, never a part).
 *
 * Writing goes to a new file "PATH.tmp.PID" (or "PATH.tmp.PID.N" where that is taken) in the same folder,
 * then fsync, rename, fsync of the folder. A failure (a full disk included) removes the temporary file,
 * leaves PATH as it was and is reported. A process that is killed leaves its temporary file behind:
 * ami_folder_remove_temporaries is for these. */
#ifndef AMI_BASE_FILE_H
#define AMI_BASE_FILE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Reads a regular file of at most `max_bytes`; the caller frees the buffer, which has an extra zero byte at
 * its end, so that text is a C string. NULL on error: missing, a folder, unreadable, larger than max_bytes,
 * shorter than its size by stat. */
uint8_t *ami_file_read(const char *path, size_t max_bytes, size_t *size, ami_error *err);

/* The same for a text file: removes the byte-order mark that some editors put before UTF-8. UTF-16 is an
 * error. */
char *ami_file_read_text(const char *path, size_t max_bytes, size_t *size, ami_error *err);

/* The beginning of a text after its byte-order mark, if it has one; *size shrinks by that. NULL and a
 * sentence without the file's name for UTF-16. */
const char *ami_text_begin(const char *text, size_t *size, ami_error *err);

/* Atomic replacement as described above. Missing parent folders are an error, not made. An existing file's
 * permissions are kept; a symbolic link itself is replaced; a folder, device or pipe of that name is an
 * error. Safe to call from several threads, also for the same PATH. */
AMI_MUST_CHECK bool ami_file_write(const char *path, const void *data, size_t size, ami_error *err);

/* Whether another program or a stream can write PATH as a regular file: false and a sentence where its folder
 * is missing or not writable, or where a folder, device or pipe has that name. Never waits (for a pipe's
 * reader, for example), and changes nothing: neither file nor folder. */
bool ami_file_check_writable(const char *path, ami_error *err);

/* mkdir -p; an existing folder is success. */
AMI_MUST_CHECK bool ami_folder_make(const char *path, ami_error *err);

/* Removes the temporary files of killed processes in a folder: regular files named "*.tmp.PID" or
 * "*.tmp.PID.N" that are not locked by a writer and whose process does not exist or has this process's own id
 * (containers use the same ones). A file that another machine or container is writing is locked, and stays.
 * Returns how many were removed; failures are ignored. */
int ami_folder_remove_temporaries(const char *folder);

/* CRC-32C (Castagnoli, reflected, as in RFC 3720), continuing from `crc` (start with 0). Used by checkpoints
 * and TensorBoard records. */
uint32_t ami_crc32c(uint32_t crc, const void *data, size_t size);

#endif
