/* config_check - see config_check.h. */
#include "config_check.h"

#include <string.h>

/* Of names of servers. */
#define NAME_BYTES                                                             \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

/* What a relative path means would depend on where the host was started. */
static bool check_path(const char *option, const char *path, struct err *err)
{
	return path[0] == '\0' || path[0] == '/' ||
	       err_set(err, ERR_CONFIG,
		       "'%s' is '%.40s'; it must be a path that begins "
		       "with /",
		       option, path);
}

/* Names and nothing else: an address with a port or a path would match none. */
static bool check_hosts(const char *hosts, struct err *err)
{
	size_t bad = strspn(hosts, NAME_BYTES "\n");

	return hosts[bad] == '\0' ||
	       err_set(err, ERR_CONFIG,
		       "'recording_hosts' has '%.40s'; allowed are names of "
		       "servers",
		       hosts + bad);
}

static bool is_proxy(const char *proxy)
{
	static const char scheme[] = "http://";
	const char *user = strrchr(proxy, '@');
	const char *name = user ? user + 1 : proxy + sizeof(scheme) - 1;

	if (strncmp(proxy, scheme, sizeof(scheme) - 1) != 0)
		return false;
	size_t len = strspn(name, NAME_BYTES);
	const char *port = name + len + 1;

	if (len == 0 || name[len] != ':')
		return false;
	size_t digits = strspn(port, "0123456789");
	return digits > 0 && digits < 6 && port[digits] == '\0';
}

/* It may hold a password, which is not told. */
static bool check_proxy(const char *proxy, struct err *err)
{
	return proxy[0] == '\0' || is_proxy(proxy) ||
	       err_set(err, ERR_CONFIG,
		       "'recording_proxy' must be http://name:port");
}

static bool check_recordings(const struct config *config, struct err *err)
{
	if (!check_path("recordings_dir", config->recordings_dir, err) ||
	    !check_path("recording_ca", config->recording_ca, err) ||
	    !check_proxy(config->recording_proxy, err) ||
	    !check_hosts(config->recording_hosts, err))
		return false;
	if (config->recordings != CONFIG_RECORDINGS_FETCH)
		return true;
	if (!config->recordings_dir[0])
		return err_set(err, ERR_CONFIG,
			       "'recordings' is 'fetch', and 'recordings_dir' "
			       "is not set");
	return config->recording_hosts[0] ||
	       err_set(err, ERR_CONFIG,
		       "'recordings' is 'fetch', and 'recording_hosts' is "
		       "empty");
}

/* The widget looks back 7 days, and would have purged calls logged again. */
static bool check_retention(const char *option, int days, struct err *err)
{
	enum { DAYS_MIN = 8 };

	return days == 0 || days >= DAYS_MIN ||
	       err_set(err, ERR_CONFIG,
		       "'%s' is '%d'; allowed are 0, to keep all, and %d to "
		       "36500",
		       option, days, DAYS_MIN);
}

bool config_check(const struct config *config, struct err *err)
{
	return check_path("spool", config->spool, err) &&
	       check_retention("retention_days", config->retention_days, err) &&
	       check_retention("recordings_retention_days",
			       config->recordings_retention_days, err) &&
	       check_recordings(config, err);
}
