/* draft_save - the part of a draft that comes from people: which contact, which
 * note, which form fields. See draft.h. */
#include "draft.h"

#include <string.h>

enum { MATCHES_MAX = 1000 }; /* contacts looked at to find the picked one */

static void take_contact(struct draft *draft, const struct json *contact)
{
	draft->event.contact_name = draft_text(contact, "name");
	draft->event.contact_type =
	    draft_either(contact, "type", contact, "entityType");
}

/* The form sends no more than the id of the contact that was picked. */
static bool take_picked_contact(struct draft *draft, const struct json *matches,
				struct text id)
{
	const struct json *match = json_first(matches);

	for (int i = 0; match && i < MATCHES_MAX; i++) {
		char digits[ENVELOPE_DIGITS];
		struct text other =
		    envelope_id(json_member(match, "id"), digits);

		if (text_equal(other, id)) {
			take_contact(draft, match);
			return true;
		}
		match = json_next(match);
	}
	return false;
}

/* The other party's contact. The agent's own side may have one too, when agents
 * call each other. */
static const struct json *read_entity(const struct draft *draft)
{
	const struct json *from = json_member(draft->body, "fromEntity");
	const struct json *to = json_member(draft->body, "toEntity");

	if (draft_text_is(draft->event.direction, "Inbound"))
		return from;
	if (draft_text_is(draft->event.direction, "Outbound"))
		return to;
	return json_is_object(from) ? from : to;
}

static void read_contact(struct draft *draft, const struct json *form)
{
	struct event *event = &draft->event;
	const struct json *entity = read_entity(draft);

	event->contact_id = draft_id(draft, form, "contactId");
	if (event->contact_id.s) {
		if (!take_picked_contact(
			draft, json_member(draft->call, "fromMatches"),
			event->contact_id))
			take_picked_contact(
			    draft, json_member(draft->call, "toMatches"),
			    event->contact_id);
	} else {
		event->contact_id = draft_id(draft, entity, "id");
		if (event->contact_id.s)
			take_contact(draft, entity);
	}
	event->contact_picked =
	    event->contact_id.s && event->logged_by == LOGGED_BY_MANUAL;
}

/* An empty note is a value: the agent saved it so. */
static void read_note(struct draft *draft, const struct json *form)
{
	const char *note = json_string(json_member(draft->body, "note"));

	if (!note)
		note = json_string(json_member(form, "note"));
	if (note)
		draft->event.note = (struct text){note, strlen(note)};
}

static bool read_form(struct draft *draft, const struct json *form,
		      struct err *err)
{
	static const char *const elsewhere[] = {"note", "contactId", NULL};
	struct buf *buf = &draft->form;

	if (!json_is_object(form))
		return true;
	if (json_write(form, elsewhere, buf)) {
		if (buf->len > 2) /* not just {} */
			draft->event.form = (struct text){buf->bytes, buf->len};
		return true;
	}
	if (!buf->full)
		return err_set(err, ERR_NO_MEMORY, "no memory for the form");
	draft->event.cut++;
	return true;
}

static void read_trigger(struct draft *draft, struct text trigger)
{
	static const char *const saves[] = {"createLog", "editLog", "logForm",
					    "contactUpdated"};

	draft->event.logged_by = draft_text_is(trigger, "backfill")
				     ? LOGGED_BY_BACKFILL
				     : LOGGED_BY_AUTO;
	for (size_t i = 0; i < sizeof(saves) / sizeof(saves[0]); i++) {
		if (draft_text_is(trigger, saves[i]))
			draft->event.logged_by = LOGGED_BY_MANUAL;
	}
}

bool draft_read_save(struct draft *draft, struct text trigger, struct err *err)
{
	const struct json *form = json_member(draft->body, "formData");

	read_trigger(draft, trigger);
	if (!draft_text_is(trigger, "logForm")) {
		read_contact(draft, NULL);
		return true;
	}
	read_contact(draft, form);
	read_note(draft, form);
	return read_form(draft, form, err);
}
