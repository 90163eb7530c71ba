/* ending - see ending.h. */
#include "ending.h"

static void finish(struct ending *ending, struct writer_item *item,
		   const struct err *err)
{
	queue_release(ending->queue, &item->link);
	item->done(item, err);
}

/* `tell` is one of the observer's. */
static void finish_durable(struct ending *ending, struct writer_item *item,
			   void (*tell)(void *context,
					const struct event *event))
{
	static const struct err none = {0};

	if (tell)
		tell(ending->observer->context, item->event);
	finish(ending, item, &none);
}

void ending_stored(struct ending *ending, struct writer_item *item)
{
	finish_durable(ending, item,
		       ending->erased ? ending->observer->erased
				      : ending->observer->stored);
}

void ending_spooled(struct ending *ending, struct writer_item *item)
{
	finish_durable(ending, item, ending->observer->spooled);
}

void ending_rejected(struct ending *ending, struct writer_item *item)
{
	const struct writer_observer *observer = ending->observer;

	if (observer->rejected)
		observer->rejected(observer->context, item->event);
	ending_unwritten(ending, item, ERR_ROW);
}

static const char *say(enum err_kind why)
{
	switch (why) {
	case ERR_ROW:
		return "the call is not logged: the database refuses it";
	case ERR_STOPPING:
		return "the call is not logged: stopping";
	case ERR_SCHEMA:
		return "the call is not logged: the database is not set up";
	case ERR_FULL:
		return "the call is not logged: the spool is full";
	case ERR_TIMEOUT:
		return "the call is not logged: the spool is busy";
	case ERR_INTERNAL:
		return "the call is not logged: the spool's disk fails";
	case ERR_NO_MEMORY:
		return "the call is not logged: out of memory";
	default:
		return "the call is not logged: the database cannot be reached "
		       "or is too slow";
	}
}

void ending_unwritten(struct ending *ending, struct writer_item *item,
		      enum err_kind why)
{
	bool fails = why == ERR_ROW || why == ERR_INTERNAL;
	struct err err;

	err_set(&err, why, "%s", say(why));
	if (why == ERR_STOPPING)
		ending->given_up++;
	else
		health_add(ending->health, fails ? HEALTH_FAILED : HEALTH_BUSY,
			   1);
	finish(ending, item, &err);
}
