/* Observations in a file's metadata, for measuring a precision on: entry "calibration" is
 *
 *   int8 ROWS INPUTS BASE64
 *
 * with INPUTS float32 (little-endian), the largest magnitude of each input's normalised value, and then
 * (ROWS, INPUTS) int8: normalised values as parts of 127 of it. Entry "rounding_mse" is the error that
 * rounding the weights made, on each law of nets/model.h that has one. Internal to nets/onnx. */
#ifndef AMI_NETS_ONNX_CALIBRATION_H
#define AMI_NETS_ONNX_CALIBRATION_H

#include "nets/net.h"

/* Takes an entry that is one of these into the net: *taken. False and a sentence where its value is
 * malformed. */
AMI_MUST_CHECK bool ami_onnx_take_meta(ami_net *net, const char *key, const char *value, bool *taken,
                                       ami_error *err);

/* The entries of a net: up to 2 keys and values, the values to be freed. False when memory is short. */
AMI_MUST_CHECK bool ami_onnx_own_metas(const ami_net *net, const char *key[2], char *value[2], int *count);

#endif
