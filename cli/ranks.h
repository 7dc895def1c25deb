/* The processes of one command that mpirun or srun started (learn/exchange.h). Rank 0 prints and writes files for all; the
 * others are silent unless rank 0 is gone. */
#ifndef AMI_CLI_RANKS_H
#define AMI_CLI_RANKS_H

#include "learn/exchange.h"

#include <stdbool.h>

/* Called first, before options are read. Connects with the other processes where a launcher started several; `divides`:
 * whether this subcommand divides its work. Then standard output and standard error of every rank but 0 lead nowhere.
 * False, after a sentence on standard error, where this cannot be; then the processes must not go on. */
bool cli_ranks_begin(const char *subcommand, bool divides);

/* Those processes; ami_exchange_none where there is one. */
ami_exchange *cli_ranks(void);
bool cli_ranks_first(void); /* this is rank 0 */

/* Seconds after which a rank that does not answer counts as hung; 0: never. */
void cli_ranks_limit(double seconds);

/* Ends the connection; returns the exit status. If the exchange has failed, the whole job is ended and this does not
 * return. */
int cli_ranks_end(int status);

/* The sentence of an exchange that has failed, printed by one of the ranks that are left. */
void cli_ranks_report(void);

/* For amble --version: a line with the MPIs whose plug-ins are there. */
void cli_ranks_print_plugins(void);

#endif
