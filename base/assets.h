/* Where amble's own files are: the body, the networks, the motions. */
#ifndef AMI_BASE_ASSETS_H
#define AMI_BASE_ASSETS_H

#include "base/error.h"

#include <stddef.h>

/* Path of a file of amble's assets ("humanoid.xml", "models/walk.onnx"): in $AMBLE_ASSETS, else
 * ../share/amble beside the program, else the source tree it was built from. False and a sentence naming the
 * places looked at. */
bool ami_asset_path(const char *name, char *path, size_t size, ami_error *err);

#endif
