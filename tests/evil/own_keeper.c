/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile keeper.  It has no channel: what it can do to a boot is to say its
 * two words when they are not true, to say something else, to be silent, to
 * end and not to end; and, to the outside, what its network and the machine's
 * identity allow.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf.h"
#include "evil.h"
#include "fds.h"

#define MORE_BYTES 100000

int __real_conf_read_keeper(const struct items *it, struct net_conf *out);
int __wrap_conf_read_keeper(const struct items *it, struct net_conf *out);
const char *__real_conf_resource(const struct net_conf *c);
const char *__wrap_conf_resource(const struct net_conf *c);

static const char *other_blob, *resource;

/* Until the supervisor asks it to end, or so long. */
static void
wait_for_the_end(int ms)
{
	struct pollfd p = {.fd = FD_KEEPER_GO, .events = POLLIN};

	(void)!poll(&p, 1, ms);
}

static void
await_go(void)
{
	char byte;

	if (read(FD_KEEPER_GO, &byte, 1) != 1)
		_exit(EXIT_OK);
}

static void
say(int word)
{
	if (shutdown(word, SHUT_WR) != 0)
		_exit(EVIL_DUD);
}

/* Nobody was asked for the lease. */
static void
say_held(struct worker *w)
{
	await_go();
	say(FD_KEEPER_ASKED);
	say(FD_KEEPER_HELD);
	wait_for_the_end(-1);
	_exit(EXIT_OK);
}

/* The same before the supervisor's word, and so before its gate. */
static void
say_early(struct worker *w)
{
	say(FD_KEEPER_ASKED);
	say(FD_KEEPER_HELD);
	wait_for_the_end(-1);
	say_held(w);
}

static void
say_others(struct worker *w)
{
	await_go();
	say(FD_KEEPER_ASKED);
	wait_for_the_end(-1);
	_exit(EXIT_OK);
}

/* "Held", and that alone. */
static void
say_half(struct worker *w)
{
	await_go();
	say(FD_KEEPER_HELD);
	wait_for_the_end(-1);
	_exit(EXIT_OK);
}

/* The argument: its code, some time after it said that it holds the lease. */
static void
say_held_and_end(struct worker *w)
{
	await_go();
	say(FD_KEEPER_ASKED);
	say(FD_KEEPER_HELD);
	wait_for_the_end(1000);
	_exit(atoi(evil_argument()));
}

/* The argument: its code.  It was told to begin. */
static void
begin_and_end(struct worker *w)
{
	await_go();
	_exit(atoi(evil_argument()));
}

/* It was told to begin, and is told to end. */
static void
say_nothing(struct worker *w)
{
	await_go();
	for (;;)
		(void)!poll(NULL, 0, -1);
}

/* It was told to end. */
static void
say_held_and_stay(struct worker *w)
{
	await_go();
	say(FD_KEEPER_ASKED);
	say(FD_KEEPER_HELD);
	for (;;)
		(void)!poll(NULL, 0, -1);
}

static void
say_bytes(int word, unsigned count)
{
	await_go();
	while (count-- > 0 && sendto(word, "x", 1, MSG_NOSIGNAL, NULL, 0) == 1)
		continue;
	wait_for_the_end(-1);
	_exit(EXIT_OK);
}

static void
say_byte(struct worker *w)
{
	say_bytes(FD_KEEPER_HELD, 1);
}

static void
say_flood(struct worker *w)
{
	say_bytes(FD_KEEPER_ASKED, MORE_BYTES);
}

/* Its death would look like this; but it lives. */
static void
close_words(struct worker *w)
{
	await_go();
	close(FD_KEEPER_ASKED);
	close(FD_KEEPER_HELD);
	wait_for_the_end(-1);
	_exit(EXIT_OK);
}

/* The argument: another blob, which it takes, renews and gives back. */
static void
take_other(struct worker *w)
{
	other_blob = evil_argument();
}

/* The argument: what the token is for that it asks the metadata service for. */
static void
take_token(struct worker *w)
{
	resource = evil_argument();
}

int
__wrap_conf_read_keeper(const struct items *it, struct net_conf *out)
{
	int r = __real_conf_read_keeper(it, out);

	if (r == 0 && other_blob)
		snprintf(out->blob_path, sizeof(out->blob_path), "%s",
			 other_blob);
	return r;
}

const char *
__wrap_conf_resource(const struct net_conf *c)
{
	return resource ? resource : __real_conf_resource(c);
}

const struct attack attacks_own[] = {
	{.name = "held", .started = say_held},
	{.name = "held-early", .started = say_early},
	{.name = "held-alone", .started = say_half},
	{.name = "held-and-end", .started = say_held_and_end},
	{.name = "held-and-stay", .started = say_held_and_stay},
	{.name = "begin-and-end", .started = begin_and_end},
	{.name = "silent", .started = say_nothing},
	{.name = "others", .started = say_others},
	{.name = "byte", .started = say_byte},
	{.name = "flood", .started = say_flood},
	{.name = "close-words", .started = close_words},
	{.name = "other-blob", .early = take_other},
	{.name = "token", .early = take_token},
	{.name = NULL},
};
