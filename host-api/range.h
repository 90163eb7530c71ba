/* range - which part of a file a request wants, by its headers Range and If-Range
 * (RFC 9110, 13.1.5 and 14). It knows neither the file nor how long it is. */
#ifndef CRM_RANGE_H
#define CRM_RANGE_H

#include <stdint.h>

enum { CRM_RANGE_TAG_MAX = 128 };

/* Stands for every larger number, of which there are no files: the largest that
 * is the same wherever JSON is read. */
#define CRM_RANGE_MAX INT64_C(9007199254740991)

enum crm_range_kind {
	CRM_RANGE_WHOLE,
	CRM_RANGE_FROM, /* from `first` to `last`, inclusive */
	CRM_RANGE_END   /* the last `first` bytes */
};

struct crm_range {
	enum crm_range_kind kind;
	int64_t first, last; /* at most CRM_RANGE_MAX, also: to the end */
	/* Unless "": only of the file with that tag, and else the whole. */
	char tag[CRM_RANGE_TAG_MAX + 1];
};

/* The values of the headers, NULL where there is none. What is wrong, of another
 * unit or of more than one part asks for the whole file: a server may ignore it,
 * and who asks for many parts at once gets no more than for one. */
struct crm_range crm_range_read(const char *range, const char *if_range);

#endif
