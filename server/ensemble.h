/* Models of the Open Inference Protocol that are more than one network: deepphase_sequence and style_motion,
 * and styles as motion files. They use amble's own networks (amble/phase.h, amble/style.h), whatever the
 * folder of models holds; a file of the folder with the same name takes their place.
 *
 *   deepphase_sequence   frames FP32 [T,132], dt FP32 [1] s (1/30) → phase [T] cycles, unwrapped [T] cycles,
 *                        amplitude [T], period_s [1]
 *   style_motion         style BYTES [1], a name or mixture, or latent FP32 [n,256] → window [n,60,73]
 *
 * Input is not trusted. A call is read and answered by the network's thread, and run by a worker. */
#ifndef SRV_ENSEMBLE_H
#define SRV_ENSEMBLE_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

typedef struct srv_ensembles srv_ensembles;
typedef struct srv_call srv_call;

/* NULL and a sentence where a network cannot be loaded. */
srv_ensembles *srv_ensembles_open(ami_error *err);

/* Adds the styles of a further set of models for srv_motion_file: those of the folder's files
 * stylevae_decoder.onnx, deepphase.onnx and styles.json that are there, else amble's own. `name` must outlive
 * them. */
bool srv_ensembles_add_set(srv_ensembles *ensembles, const char *name, const char *folder, ami_error *err);
void srv_ensembles_close(srv_ensembles *ensembles); /* NULL is fine */

/* Names, NULL beyond the last, and whether one is an ensemble's. */
const char *srv_ensemble_name(int index);
bool srv_is_ensemble(const char *name);

/* As GET /v2/models/NAME and …/config answer. */
json_t *srv_ensemble_metadata(const char *name);
json_t *srv_ensemble_config(const char *name);

/* As srv_infer_read. NULL and a sentence where the request is not valid. */
srv_call *srv_call_read(const srv_ensembles *ensembles, const char *name, const char *body, size_t size,
                        int64_t header, ami_error *err);
void srv_call_run(srv_call *call);
void srv_call_free(srv_call *call);

/* The answer's body, as srv_infer_answer; NULL and a sentence where the call failed. */
char *srv_call_answer(const srv_call *call, size_t *size, int64_t *header, ami_error *err);

/* A cycle of a style or mixture of a set ("default": amble's own) as a file: "txt" (DeepMimic's JSON), "bvh",
 * "glb" or "npz"; the caller calls free(). NULL and a sentence on failure; *missing: the style or set is not
 * known. */
char *srv_motion_file(const srv_ensembles *ensembles, const char *set, const char *style, const char *format,
                      size_t *size, bool *missing, ami_error *err);

#endif
