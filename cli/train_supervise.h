/* `amble train --supervise`: runs the training as a child, ends it where it no longer gets on, and starts it again from its
 * last checkpoint. */
#ifndef AMI_CLI_TRAIN_SUPERVISE_H
#define AMI_CLI_TRAIN_SUPERVISE_H

typedef struct train_supervision {
    const char *folder;   /* of the run */
    const char *launcher; /* words before the program, such as "mpirun -n 4"; NULL: none */
    double stuck_minutes; /* without a new point in the curves or a checkpoint; then the child is ended */
} train_supervision;

/* argv: the options of amble train, as given; the child gets them with --supervised behind them, which makes it go on from
 * the folder's checkpoint. Returns the exit status: that of a child that is done, was stopped (a signal to this process is passed
 * on), could not do what was asked (2), or failed three times without a newer checkpoint. */
int train_supervise(const train_supervision *supervision, int argc, char **argv);

#endif
