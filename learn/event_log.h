/* Curves for TensorBoard: scalars over steps in an event file "events.out.tfevents.SECONDS.HOST.PID"
 * (TFRecord framing, masked CRC-32C).
 *
 * Records are buffered in memory until they are flushed, so that logging does not wait for the disk. If the
 * disk is full, flush reports it and the training can continue: unwritten records are kept for the next
 * flush, up to 4 MiB; beyond that the older half is dropped (whole records, so the file stays readable).
 * Writes scalars and a run's settings; reads nothing. For one thread. */
#ifndef AMI_LEARN_EVENT_LOG_H
#define AMI_LEARN_EVENT_LOG_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct ami_event_log ami_event_log;

/* Creates a new file in `folder`, which is created if missing. step > 0: the run continues from there, and
 * TensorBoard drops later steps in earlier files of this folder (a SessionLog START event), so a resumed run
 * shows one curve. NULL and a sentence on error. */
ami_event_log *ami_event_log_open(const char *folder, int64_t step, ami_error *err);

/* Appends one point of the curve `tag` ("reward/pose"; TensorBoard groups curves by the part before the
 * slash), stored as fp32. False if memory is short: then the point is lost. */
bool ami_event_log_scalar(ami_event_log *log, const char *tag, int64_t step, double value, ami_error *err);

/* One of a run's settings (TensorBoard: hyperparameters). */
typedef struct ami_event_setting {
    const char *name, *text; /* text NULL: the value is `number` */
    double number;
} ami_event_setting;

/* Writes the run's settings for TensorBoard's tab "HParams", which compares runs. Call it once, right after
 * opening: TensorBoard uses only the settings in a folder's first file. False if memory is short: then
 * nothing is written. */
bool ami_event_log_settings(ami_event_log *log, const ami_event_setting *setting, size_t settings,
                            ami_error *err);

/* Writes the buffered records. False and a sentence if that fails. */
bool ami_event_log_flush(ami_event_log *log, ami_error *err);

/* Flushes, closes and frees the log, even if it returns false. NULL is fine. */
bool ami_event_log_close(ami_event_log *log, ami_error *err);

const char *ami_event_log_path(const ami_event_log *log);

#endif
