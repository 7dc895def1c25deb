/* GET /metrics. */
#ifndef SRV_METRICS_H
#define SRV_METRICS_H

#include "server/routes.h"

srv_answer srv_metrics(srv_site *site);

#endif
