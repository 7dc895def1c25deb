/* Measurements of a run, for --json and --bench. */
#ifndef AMI_VIEWER_REPORT_H
#define AMI_VIEWER_REPORT_H

#include "base/histogram.h"
#include "viewer/app.h"

typedef struct ami_report {
    const char *renderer;
    double begun, first_frame; /* ami_clock_now() of the start; s from there to the first picture */
    double last;
    int64_t frames;
    double cpu_begun;     /* s of processor time when the first frame was done */
    ami_histogram draw;   /* s a frame, until the picture is finished */
    ami_histogram update; /* s a frame for everything before it */
} ami_report;

void ami_report_frame(ami_report *report, double draw, double update);

/* Writes --json's file and, with --bench, text to standard output. */
bool ami_report_write(const ami_report *report, ami_app *app, ami_error *err);

#endif
