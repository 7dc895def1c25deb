/* Finds amble's own files: the body, the networks, the motions. */
#ifndef AMI_BASE_ASSETS_H
#define AMI_BASE_ASSETS_H

#include "base/error.h"

#include <stddef.h>

/* Path of a file of amble's assets ("humanoid.xml", "models/walk.onnx"): in the folder of ami_assets_set,
 * else in $AMBLE_ASSETS, else in ../share/amble or ../../share/amble beside the library or program that this
 * code is part of, else in ../share/amble beside the program, else in the source tree of the build. False and
 * a sentence naming the folders searched. */
bool ami_asset_path(const char *name, char *path, size_t size, ami_error *err);

/* Sets the only folder to search; copied. NULL: the folders above. False and a sentence where it is not a
 * folder. Must not be called while another thread searches. */
bool ami_assets_set(const char *folder, ami_error *err);

#endif
