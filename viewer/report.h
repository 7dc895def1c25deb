/* What a run measured about itself, for --json and --bench. */
#ifndef AMB_VIEWER_REPORT_H
#define AMB_VIEWER_REPORT_H

#include "base/histogram.h"
#include "viewer/app.h"

typedef struct amb_report {
    const char *renderer;
    double begun, first_frame; /* amb_clock_now() of the start; s from there to the first picture */
    double last;
    int64_t frames;
    double cpu_begun;     /* s of processor time when the first frame was done */
    amb_histogram draw;   /* s a frame, the picture being finished */
    amb_histogram update; /* s a frame for everything before it */
} amb_report;

void amb_report_frame(amb_report *report, double draw, double update);

/* Into --json's file and, with --bench, as text to standard output. */
bool amb_report_write(const amb_report *report, amb_app *app, amb_error *err);

#endif
