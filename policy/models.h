/* Finds networks and style tables by the name in an option, the same for all programs. The first that exists:
 *
 *   1. the file NAME
 *   2. the file NAME.onnx (a table: NAME.json), if NAME has no such ending
 *   3. if NAME has no "/": NAME, then NAME.onnx (NAME.json), among amble's models */
#ifndef AMI_POLICY_MODELS_H
#define AMI_POLICY_MODELS_H

#include "base/error.h"

#include <stddef.h>

/* Writes the path to path[size]. False and a sentence that lists the known models. */
bool ami_find_model(const char *name, char *path, size_t size, ami_error *err);
bool ami_find_table(const char *name, char *path, size_t size, ami_error *err);

/* The actor to run: `policy`, found as above; if NULL, the model with the name of the motion (a name or a
 * file, found in `clips` by ami_clip_find), else the model repertoire if it was trained on a motion of that
 * name; if the motion is NULL, too, the model `fallback`. */
bool ami_find_actor(const char *policy, const char *motion, const char *clips, const char *fallback,
                    char *path, size_t size, ami_error *err);

#endif
