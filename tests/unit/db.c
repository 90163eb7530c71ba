/* db - deadlines, back-off and error classes of a connection, without a server.
 */
#include "../../plugin/clock.h"
#include "../../plugin/db.h"
#include "../tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_MS = 200, PATIENCE_MS = 10000 };

/* A loopback port: one that listens and never answers, or a closed one. */
static int listen_on(char *conninfo, size_t cap, bool open)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bind(fd, (struct sockaddr *)&address, sizeof(address));
	if (open)
		listen(fd, 10);
	getsockname(fd, (struct sockaddr *)&address, &len);
	snprintf(conninfo, cap,
		 "host=127.0.0.1 port=%d user=u dbname=d password=hush-hush "
		 "sslmode=disable",
		 ntohs(address.sin_port));
	return fd;
}

/* Steps until an attempt fails; how long that took, or 0 when none did. */
static uint64_t until_failure(struct db *db, int wake_fd, struct err *err)
{
	uint64_t start = clock_ns();
	uint64_t end = clock_after(start, PATIENCE_MS);

	while (clock_ns() < end) {
		db_step(db, err);
		if (err->kind != ERR_NONE)
			return clock_until_ms(start, clock_ns()) + 1;
		db_wait(db, wake_fd, end);
	}
	return 0;
}

static void black_hole(void)
{
	char conninfo[200];
	int listener = listen_on(conninfo, sizeof(conninfo), true);
	int wake = eventfd(0, EFD_CLOEXEC);
	struct err err;
	struct db *db = db_new(conninfo, CONNECT_MS, &err);

	uint64_t took = until_failure(db, wake, &err);
	ok(took >= CONNECT_MS && took < CONNECT_MS * 5,
	   "a server that never answers is given up at the deadline (%d ms)",
	   (int)took);
	ok(err.kind == ERR_AWAY, "as away");
	is(err.text, "no connection within 200 ms", "in words");
	ok(db_failures(db) == 1, "which counts as a failure");

	db_free(db);
	close(wake);
	close(listener);
}

static void woken(void)
{
	char conninfo[200];
	int listener = listen_on(conninfo, sizeof(conninfo), true);
	int wake = eventfd(0, EFD_CLOEXEC);
	struct err err;
	struct db *db = db_new(conninfo, PATIENCE_MS, &err);
	uint64_t start = clock_ns();

	/* until there is nothing left to do but to wait for the server */
	for (int i = 0; i < 5; i++) {
		db_step(db, &err);
		db_wait(db, wake, clock_after(clock_ns(), 20));
	}
	ok(db_step(db, &err) == DB_CONNECTING, "an attempt is under way");
	ok(write(wake, &(uint64_t){1}, 8) == 8, "somebody wants the thread");
	db_wait(db, wake, CLOCK_NEVER);
	ok(clock_until_ms(start, clock_ns()) < PATIENCE_MS / 2,
	   "its wait ends at once");
	db_free(db);
	close(wake);
	close(listener);
}

static void closed_port(void)
{
	char conninfo[200];
	int fd = listen_on(conninfo, sizeof(conninfo), false);
	struct err err;
	struct db *db = db_new(conninfo, CONNECT_MS, &err);

	uint64_t took = until_failure(db, -1, &err);
	ok(took > 0 && err.kind == ERR_AWAY, "a closed port is away at once");
	ok(strstr(err.text, "Connection refused") != NULL,
	   "and the reason said");
	ok(!strchr(err.text, '\n') && !strstr(err.text, "hush"),
	   "in one line without the password: %s", err.text);

	uint64_t second = until_failure(db, -1, &err);
	ok(second > 0 && second < 40, "the second attempt follows at once");
	uint64_t total = 0, last = 0;
	for (int i = 0; i < 4; i++) {
		last = until_failure(db, -1, &err);
		total += last;
	}
	ok(total >= 25 + 50 + 100 + 200 && total <= 50 + 100 + 200 + 400 + 200,
	   "the next ones later and later (%d ms in all)", (int)total);
	ok(db_failures(db) == 6, "each counted");
	db_proved(db);
	ok(db_failures(db) == 0, "until something has worked");
	db_free(db);
	close(fd);
}

static void hurried(void)
{
	char conninfo[200];
	int fd = listen_on(conninfo, sizeof(conninfo), false);
	struct err err;
	struct db *db = db_new(conninfo, CONNECT_MS, &err);

	for (int i = 0; i < 7; i++)
		until_failure(db, -1, &err); /* the next is >= 800 ms away */
	db_hurry(db);
	uint64_t took = until_failure(db, -1, &err);
	ok(took >= 200 && took < 700,
	   "who waits makes the next attempt come sooner (%d ms)", (int)took);
	db_free(db);
	close(fd);
}

static void conninfos(void)
{
	struct err err;

	ok(db_check_conninfo("conninfo", "", &err), "an empty conninfo is one");
	ok(db_check_conninfo("conninfo", "host=a,b dbname=x", &err),
	   "keys and values too");
	ok(db_check_conninfo("conninfo", "postgresql://u:p@h/d", &err),
	   "and a URI");
	ok(!db_check_conninfo("conninfo", "password=my secret", &err) &&
	       !strstr(err.text, "secret"),
	   "a broken one is refused and not quoted: %s", err.text);
	ok(!db_check_conninfo("conninfo", "hots=x", &err) &&
	       strstr(err.text, "\"hots\""),
	   "an unknown key is named: %s", err.text);
}

int main(void)
{
	black_hole();
	woken();
	closed_port();
	hurried();
	conninfos();
	return tap_done();
}
