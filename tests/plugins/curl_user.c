/* curl_user - not a plugin, but a host's library that uses libcurl before any plugin
 * is loaded: to be preloaded. */
#include <curl/curl.h>

__attribute__((constructor)) static void begin(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}
