/* Curves for TensorBoard: scalars over steps in an event file "events.out.tfevents.SECONDS.HOST.PID"
 * (TFRecord framing, masked CRC-32C).
 *
 * Records gather in memory until they are flushed, so that logging does not wait for the disk. When the disk
 * is full, flush says so, and the training may go on: what could not be written is kept and tried again at
 * the next flush, up to 4 MiB; beyond that the older half is dropped (whole records: the file stays
 * readable). Scalars and a run's settings; reads nothing. One thread. */
#ifndef AMI_LEARN_EVENT_LOG_H
#define AMI_LEARN_EVENT_LOG_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct ami_event_log ami_event_log;

/* A new file in `folder`, which is made if missing. `step` > 0: the run continues from there, and TensorBoard
 * drops what earlier files of this folder said about steps after it (a SessionLog START event), so a resumed
 * run shows one curve. NULL and a sentence on error. */
ami_event_log *ami_event_log_open(const char *folder, int64_t step, ami_error *err);

/* Appends one point of the curve `tag` ("reward/pose"; TensorBoard groups by what is before the slash),
 * stored as fp32. False when memory is short: then the point is lost. */
bool ami_event_log_scalar(ami_event_log *log, const char *tag, int64_t step, double value, ami_error *err);

/* One of a run's settings (TensorBoard: hyperparameters). */
typedef struct ami_event_setting {
    const char *name, *text; /* text NULL: it is the number */
    double number;
} ami_event_setting;

/* What the run was started with, for TensorBoard's tab "HParams", where runs are compared by their settings.
 * Once, right after opening: TensorBoard keeps what a folder's first file says. False when memory is short:
 * then nothing is written. */
bool ami_event_log_settings(ami_event_log *log, const ami_event_setting *setting, size_t settings,
                            ami_error *err);

/* Writes what has gathered. False and a sentence where that failed. */
bool ami_event_log_flush(ami_event_log *log, ami_error *err);

/* Flushes and closes; the log is gone even when it returns false. NULL is fine. */
bool ami_event_log_close(ami_event_log *log, ami_error *err);

const char *ami_event_log_path(const ami_event_log *log);

#endif
