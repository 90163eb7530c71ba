/* decoys - functions of well-known libraries, exported by this program as hosts do
 * that contain such a library themselves, perhaps another version of it. A plugin
 * must get its own library's, never these: they end the process.
 *
 * A sanitizer has to see all symbols, and lets nothing be bound before them. */
#include <stdio.h>
#include <stdlib.h>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

_Noreturn static void refuse(const char *name)
{
	fprintf(stderr,
		"the plugin called the host's %s() in place of its own "
		"library's; link it with that library\n",
		name);
	abort();
}

#define DECOY(name)                                                            \
	__attribute__((visibility("default"))) void name(void);                \
	void name(void)                                                        \
	{                                                                      \
		refuse(#name);                                                 \
	}

DECOY(cJSON_Parse)
DECOY(cJSON_ParseWithLength)
DECOY(cJSON_ParseWithLengthOpts)
DECOY(cJSON_ParseWithOpts)
DECOY(cJSON_Print)
DECOY(cJSON_PrintUnformatted)
DECOY(cJSON_CreateObject)
DECOY(cJSON_Delete)
DECOY(json_loads)
DECOY(json_loadb)
DECOY(json_tokener_parse)
DECOY(yajl_tree_parse)
DECOY(sqlite3_open)
DECOY(sqlite3_open_v2)
DECOY(sqlite3_prepare_v2)
DECOY(sqlite3_step)
DECOY(PQconnectdb)
DECOY(PQconnectStart)
DECOY(PQconnectStartParams)
DECOY(curl_easy_init)

#endif
