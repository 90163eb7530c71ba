/* far - makes a database far away: passes bytes between connections to one unix
 * socket and another one, each only so long after it came, or not at all. It is
 * told by stdin and answers `done`.
 *
 *   far LISTEN UPSTREAM                  -> ready
 *
 *   delay US                             from now on, each way
 *   hole 0|1                             1: nothing passes any more
 *
 * It ends when stdin does. */
#include "command.h"
#include "stopwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PAIRS = 64, CHUNK = 65536, QUEUE_MAX = 64 << 20 };

struct chunk {
	struct chunk *next;
	uint64_t due_ns;
	size_t len, passed;
	char bytes[];
};

/* What was read from one end and waits to be written to the other. */
struct way {
	int from, to;
	struct chunk *first, **last;
	size_t queued;
};

struct pair {
	bool open;
	struct way ways[2];
};

struct far {
	int listener;
	const char *upstream;
	uint64_t delay_ns;
	bool hole;
	struct pair pairs[PAIRS];
	char read[CHUNK];
};

static int unix_socket(const char *path, struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (fd < 0 || strlen(path) >= sizeof(address->sun_path))
		die("cannot make a socket for %s", path);
	memcpy(address->sun_path, path, strlen(path));
	return fd;
}

static void listen_at(struct far *far, const char *path)
{
	struct sockaddr_un address;

	far->listener = unix_socket(path, &address);
	if (bind(far->listener, (struct sockaddr *)&address, sizeof(address)) !=
		0 ||
	    listen(far->listener, PAIRS) != 0)
		die("cannot listen at %s: %s", path, strerror(errno));
}

static void close_pair(struct pair *pair)
{
	for (int i = 0; i < 2; i++) {
		struct way *way = &pair->ways[i];

		while (way->first) {
			struct chunk *chunk = way->first;

			way->first = chunk->next;
			free(chunk);
		}
		close(way->from);
	}
	pair->open = false;
}

static void accept_one(struct far *far)
{
	struct sockaddr_un address;
	int client =
	    accept4(far->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct pair *pair = far->pairs;

	if (client < 0)
		return;
	while (pair < far->pairs + PAIRS && pair->open)
		pair++;
	int server = unix_socket(far->upstream, &address);
	if (pair == far->pairs + PAIRS ||
	    connect(server, (struct sockaddr *)&address, sizeof(address)) !=
		0) {
		close(client);
		close(server);
		return;
	}
	fcntl(server, F_SETFL, O_NONBLOCK);
	*pair = (struct pair){
	    .open = true,
	    .ways = {{.from = client, .to = server},
		     {.from = server, .to = client}},
	};
	pair->ways[0].last = &pair->ways[0].first;
	pair->ways[1].last = &pair->ways[1].first;
}

/* False: that end is closed. */
static bool read_some(struct far *far, struct way *way)
{
	ssize_t len = read(way->from, far->read, sizeof(far->read));

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (len <= 0)
		return false;
	struct chunk *chunk = malloc(sizeof(*chunk) + (size_t)len);
	if (!chunk)
		die("out of memory");
	*chunk = (struct chunk){.due_ns = stopwatch_now() + far->delay_ns,
				.len = (size_t)len};
	memcpy(chunk->bytes, far->read, (size_t)len);
	*way->last = chunk;
	way->last = &chunk->next;
	way->queued += (size_t)len;
	return true;
}

/* Writes what is due. False: that end is closed. */
static bool write_due(struct way *way, uint64_t now)
{
	while (way->first && way->first->due_ns <= now) {
		struct chunk *chunk = way->first;
		ssize_t len = send(way->to, chunk->bytes + chunk->passed,
				   chunk->len - chunk->passed, MSG_NOSIGNAL);

		if (len < 0)
			return errno == EAGAIN || errno == EINTR;
		chunk->passed += (size_t)len;
		if (chunk->passed < chunk->len)
			return true;
		way->queued -= chunk->len;
		way->first = chunk->next;
		if (!way->first)
			way->last = &way->first;
		free(chunk);
	}
	return true;
}

static void serve_pair(struct far *far, struct pair *pair,
		       const struct pollfd *polled)
{
	for (int i = 0; i < 2; i++)
		if ((polled[i].revents & ~POLLOUT &&
		     !read_some(far, &pair->ways[i])) ||
		    !write_due(&pair->ways[i], stopwatch_now())) {
			close_pair(pair);
			return;
		}
}

/* What to wait for at both ends, and until when. */
static uint64_t watch_pair(const struct far *far, const struct pair *pair,
			   struct pollfd *polled, uint64_t until_ns)
{
	polled[0] = polled[1] = (struct pollfd){.fd = -1};
	if (!pair->open || far->hole)
		return until_ns;
	for (int i = 0; i < 2; i++) {
		const struct way *way = &pair->ways[i];

		polled[i].fd = way->from;
		polled[i].events |= way->queued < QUEUE_MAX ? POLLIN : 0;
	}
	for (int i = 0; i < 2; i++) {
		const struct chunk *first = pair->ways[i].first;

		if (first && first->due_ns <= stopwatch_now())
			polled[1 - i].events |= POLLOUT;
		else if (first && first->due_ns < until_ns)
			until_ns = first->due_ns;
	}
	return until_ns;
}

static void wait_for(struct pollfd *polled, size_t count, uint64_t until_ns)
{
	uint64_t now = stopwatch_now();
	uint64_t wait_ns = until_ns > now ? until_ns - now : 0;
	struct timespec wait = {.tv_sec = (time_t)(wait_ns / 1000000000),
				.tv_nsec = (long)(wait_ns % 1000000000)};

	ppoll(polled, count, until_ns == UINT64_MAX ? NULL : &wait, NULL);
}

/* False: stdin ended. */
static bool obey(struct far *far)
{
	char line[64];
	ssize_t len = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (len <= 0)
		return false;
	line[len] = '\0';
	char *number = strchr(line, ' ');
	if (number && strncmp(line, "delay ", 6) == 0)
		far->delay_ns = strtoull(number, NULL, 10) * 1000;
	else if (number && strncmp(line, "hole ", 5) == 0)
		far->hole = strtol(number, NULL, 10) != 0;
	else
		die("no such command: %s", line);
	printf("done\n");
	return true;
}

static bool serve(struct far *far)
{
	struct pollfd polled[2 + 2 * PAIRS];
	uint64_t until_ns = UINT64_MAX;

	polled[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	polled[1] = (struct pollfd){.fd = far->listener, .events = POLLIN};
	for (int i = 0; i < PAIRS; i++)
		until_ns = watch_pair(far, &far->pairs[i], &polled[2 + 2 * i],
				      until_ns);
	wait_for(polled, 2 + 2 * PAIRS, until_ns);
	for (int i = 0; i < PAIRS; i++)
		if (far->pairs[i].open && !far->hole)
			serve_pair(far, &far->pairs[i], &polled[2 + 2 * i]);
	if (polled[1].revents)
		accept_one(far);
	return !polled[0].revents || obey(far);
}

int main(int argc, char **argv)
{
	struct far *far = calloc(1, sizeof(*far));

	if (argc != 3 || !far)
		die("far LISTEN UPSTREAM");
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	far->upstream = argv[2];
	listen_at(far, argv[1]);
	printf("ready\n");
	while (serve(far))
		;
	unlink(argv[1]);
	free(far);
	return 0;
}
