/* Networks and tables of styles as users name them, for every option of every program:
 *
 *   a file that is there         is taken as it is
 *   a name without its ending    NAME.onnx (a table: NAME.json), where that is there
 *   a bare name, without a "/"   NAME or NAME.onnx among amble's models, where no such file is in the current
 *                                folder
 */
#ifndef AMI_POLICY_MODELS_H
#define AMI_POLICY_MODELS_H

#include "base/error.h"

#include <stddef.h>

/* The path goes to path[size]. False and a sentence that says which models there are. */
bool ami_find_model(const char *name, char *path, size_t size, ami_error *err);
bool ami_find_table(const char *name, char *path, size_t size, ami_error *err);

/* The actor to run: `policy`, found as above; where that is NULL, the model with the name of the motion (a
 * name or a file, looked up in `clips` as ami_clip_find does); where that is NULL too, the model `otherwise`.
 */
bool ami_find_actor(const char *policy, const char *motion, const char *clips, const char *otherwise,
                    char *path, size_t size, ami_error *err);

#endif
