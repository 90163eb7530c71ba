/* transfers - where libcurl keeps what it is told, in a process of ours and in one
 * that used it before. */
#include "../../plugin/transfers.h"
#include "../tap.h"

/* Whether what a transfer knows lies in the heap. */
static bool is_held(struct transfers *transfers)
{
	char *address = NULL;
	bool held = false;

	transfers_enter(transfers);
	CURL *easy = curl_easy_init();
	curl_easy_setopt(easy, CURLOPT_URL, "https://localhost/?secret");
	if (transfers_add(transfers, easy) &&
	    curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &address) ==
		CURLE_OK)
		held = vault_heap_holds(transfers->heap, address);
	transfers_remove(transfers, easy);
	curl_easy_cleanup(easy);
	return held;
}

int main(void)
{
	struct transfers first, second;
	struct curl_slist *list;
	struct err err;

	ok(transfers_open(&first, &err) && transfers_open(&second, &err),
	   "there may be two");
	ok(first.secret && is_held(&first), "what it is told is in a heap");
	ok(second.secret && is_held(&second), "of its own");
	vault_heap_enter(NULL);
	list = curl_slist_append(NULL, "a host's");
	ok(list && !vault_heap_holds(first.heap, list) &&
	       !vault_heap_holds(second.heap, list),
	   "what others tell it is not");
	transfers_enter(&first);
	transfers_close(&first);
	transfers_enter(&second);
	transfers_close(&second);
	curl_slist_free_all(list);

	curl_global_init(CURL_GLOBAL_DEFAULT);
	list = curl_slist_append(NULL, "a host's");
	ok(transfers_open(&first, &err) && !first.secret && !is_held(&first),
	   "in a process that used it before, it is known that it is not");
	transfers_close(&first);
	curl_slist_free_all(list);
	curl_global_cleanup();
	return tap_done();
}
