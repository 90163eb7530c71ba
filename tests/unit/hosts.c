/* hosts - the servers of a connection string, one at a time. */
#include "../../plugin/hosts.h"
#include "../tap.h"

#include <stdlib.h>

static void check(const char *host, const char *hostaddr, const char *port,
		  const char *want)
{
	struct hosts *hosts = hosts_new(host, hostaddr, port);
	char got[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < hosts_count(hosts); i++) {
		struct hosts_entry entry = hosts_get(hosts, i);
		int more = snprintf(got + len, sizeof(got) - len, "%s%s/%s/%s",
				    i ? " " : "", entry.host ? entry.host : "-",
				    entry.hostaddr ? entry.hostaddr : "-",
				    entry.port ? entry.port : "-");
		len += (size_t)more;
	}
	is(got, want, want);
	hosts_free(hosts);
}

int main(void)
{
	check(NULL, NULL, NULL, "-/-/-");
	check("db", NULL, "5433", "db/-/5433");
	check("a,b", NULL, NULL, "a/-/- b/-/-");
	check("a,b", "", "1", "a/-/1 b/-/1");
	check("a,b,/run/c", NULL, "1,2,3", "a/-/1 b/-/2 /run/c/-/3");
	check("a,b", "10.0.0.1,10.0.0.2", "1,2", "a/10.0.0.1/1 b/10.0.0.2/2");
	check(NULL, "10.0.0.1,10.0.0.2", NULL, "-/10.0.0.1/- -/10.0.0.2/-");
	check("a,,b", NULL, ",2,", "a/-/- -/-/2 b/-/-");
	check("a,b", NULL, "1,2,3", "a,b/-/1,2,3");
	check("a", "10.0.0.1,10.0.0.2", NULL, "a/10.0.0.1,10.0.0.2/-");
	return tap_done();
}
