/* The web pages, which are part of the program: the files of server/web. */
#ifndef SRV_PAGES_H
#define SRV_PAGES_H

#include <stddef.h>

typedef struct srv_page {
    const char *path, *type; /* "/models", Content-Type */
    const unsigned char *data;
    size_t size;
} srv_page;

extern const srv_page srv_pages[]; /* ends with a path of NULL */

#endif
