#include "nets/onnx/calibration.h"

#include "base/number.h"
#include "nets/model.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 65536 };

static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648, behind `at`. */
static void encode(const uint8_t *bytes, size_t count, char *at)
{
    for (size_t i = 0; i < count; i += 3) {
        const uint32_t left = count - i < 3 ? (uint32_t)(count - i) : 3;
        const uint32_t three = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                               (left > 2 ? bytes[i + 2] : 0);
        *at++ = digit[three >> 18];
        *at++ = digit[three >> 12 & 63];
        *at++ = left > 1 ? digit[three >> 6 & 63] : '=';
        *at++ = left > 2 ? digit[three & 63] : '=';
    }
    *at = 0;
}

/* Exactly `count` bytes; false for anything else. */
static bool decode(const char *text, uint8_t *bytes, size_t count)
{
    int8_t value[256];
    memset(value, -1, sizeof value);
    for (int i = 0; i < 64; i++)
        value[(uint8_t)digit[i]] = (int8_t)i;
    if (strlen(text) != (count + 2) / 3 * 4)
        return false;
    for (size_t i = 0; i < count; i += 3, text += 4) {
        const size_t left = count - i < 3 ? count - i : 3;
        uint32_t three = 0;
        for (size_t k = 0; k < 4; k++) {
            const int v = k <= left ? value[(uint8_t)text[k]] : text[k] == '=' ? 0 : -1;
            if (v < 0)
                return false;
            three = three << 6 | (uint32_t)v;
        }
        for (size_t k = 0; k < left; k++)
            bytes[i + k] = (uint8_t)(three >> (16 - 8 * k));
    }
    return true;
}

static bool read_rows(ami_net *net, const char *value, ami_error *err)
{
    const int inputs = net->dim[0];
    long rows = 0, found = 0;
    int used = 0;
    if (sscanf(value, "int8 %ld %ld %n", &rows, &found, &used) != 2 || used == 0 || rows < 1 ||
        rows > MOST_ROWS)
        return ami_fail(err,
                        "metadata \"calibration\" is \"%.40s\", expected int8, numbers of rows (1 to %d) and "
                        "inputs, and base64",
                        value, MOST_ROWS);
    if (found != inputs)
        return ami_fail(err, "metadata \"calibration\" holds rows of %ld inputs, the network has %d", found,
                        inputs);
    const size_t count = (size_t)rows * (size_t)inputs, bytes = (size_t)inputs * 4 + count;
    if (strlen(value + used) != (bytes + 2) / 3 * 4) /* before so much is allocated */
        return ami_fail(err,
                        "metadata \"calibration\" has %zu characters of base64, its %ld rows of %d inputs "
                        "take %zu",
                        strlen(value + used), rows, inputs, (bytes + 2) / 3 * 4);
    uint8_t *raw = malloc(bytes);
    float *x = malloc(count * sizeof *x);
    bool ok = raw && x;
    if (!ok)
        ami_fail(err, "not enough memory");
    if (ok && !decode(value + used, raw, bytes))
        ok = ami_fail(err, "metadata \"calibration\" is not base64");
    for (int k = 0; ok && k < inputs; k++) {
        float most;
        memcpy(&most, raw + (size_t)k * 4, sizeof most);
        if (!isfinite(most))
            ok = ami_fail(
                err, "metadata \"calibration\": the magnitude of input %d is %g, expected a finite number", k,
                (double)most);
        for (long r = 0; ok && r < rows; r++) {
            const size_t i = (size_t)r * (size_t)inputs + (size_t)k;
            const float v = (float)(int8_t)raw[(size_t)inputs * 4 + i] / 127.0f * most;
            x[i] = net->in_mean ? net->in_mean[k] + net->in_std[k] * v : v;
        }
    }
    ok = ok && (ami_net_set_calibration(net, x, (int)rows) || ami_fail(err, "not enough memory"));
    free(raw);
    free(x);
    return ok;
}

static bool read_rounding(ami_net *net, const char *value, ami_error *err)
{
    const char *at = value;
    for (int i = 0; i < AMI_NET_ROUNDINGS; i++) {
        double mse;
        while (*at == ' ')
            at++;
        if (!ami_number_read(at, &at, &mse) || !(mse >= 0 && mse <= 1e6))
            return ami_fail(err, "metadata \"rounding_mse\" is \"%.60s\", expected %d numbers from 0", value,
                            AMI_NET_ROUNDINGS);
        net->rounding_mse[i] = mse;
    }
    return true;
}

bool ami_onnx_take_meta(ami_net *net, const char *key, const char *value, bool *taken, ami_error *err)
{
    const bool rows = !strcmp(key, "calibration"), rounding = !strcmp(key, "rounding_mse");
    *taken = rows || rounding;
    return rows ? read_rows(net, value, err) : !rounding || read_rounding(net, value, err);
}

static char *write_rows(const ami_net *net)
{
    const size_t inputs = (size_t)net->dim[0], rows = (size_t)net->calibration_rows;
    const size_t count = rows * inputs, bytes = inputs * 4 + count;
    uint8_t *raw = malloc(bytes);
    char *text = malloc((bytes + 2) / 3 * 4 + 64);
    if (raw && text) {
        for (size_t k = 0; k < inputs; k++) {
            const float mean = net->in_mean ? net->in_mean[k] : 0, std = net->in_mean ? net->in_std[k] : 1;
            float most = 0;
            for (size_t r = 0; r < rows; r++)
                most = fmaxf(most, fabsf((net->calibration[r * inputs + k] - mean) / std));
            memcpy(raw + k * 4, &most, sizeof most);
            for (size_t r = 0; r < rows; r++) {
                const float v = (net->calibration[r * inputs + k] - mean) / std;
                raw[inputs * 4 + r * inputs + k] =
                    (uint8_t)(int8_t)(most > 0 ? nearbyintf(v / most * 127.0f) : 0);
            }
        }
        encode(raw, bytes, text + sprintf(text, "int8 %zu %zu ", rows, inputs));
    } else {
        free(text);
        text = NULL;
    }
    free(raw);
    return text;
}

bool ami_onnx_own_metas(const ami_net *net, const char *key[2], char *value[2], int *count)
{
    *count = 0;
    bool rounded = false;
    for (int l = 0; l < net->layers; l++)
        rounded |= ami_net_units(net, l) != NULL;
    if (net->calibration_rows > 0) {
        key[*count] = "calibration";
        value[*count] = write_rows(net);
        if (!value[(*count)++])
            return false;
    }
    if (rounded) {
        char text[200];
        size_t used = 0;
        for (int i = 0; i < AMI_NET_ROUNDINGS; i++)
            used += (size_t)ami_number_format(text + used, sizeof text - used, "%s%.3g", i ? " " : "",
                                              net->rounding_mse[i]);
        key[*count] = "rounding_mse";
        value[*count] = strdup(text);
        if (!value[(*count)++])
            return false;
    }
    return true;
}
