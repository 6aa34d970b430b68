/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport: the supervisor.  Root with few capabilities; it spawns, checks,
 * waits and kills, and reads nothing that a child wrote.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"
#include "config.h"
#include "control_conf.h"
#include "keeper.h"
#include "life.h"
#include "log.h"
#include "paths.h"
#include "platform.h"
#include "precheck.h"
#include "server.h"
#include "store.h"
#include "supervise.h"
#include "wait.h"

extern char **environ;

static void
usage(FILE *out)
{
	fputs("usage: sallyport run [--config FILE] [--check-config]\n"
	      "       sallyport check [--config FILE] [--json]\n"
	      "       sallyport --version | --help\n"
	      "\n"
	      "run             boot the server: attest, release, unseal, "
	      "supervise\n"
	      "check           try this machine and every worker, change "
	      "nothing\n"
	      "--config FILE   settings beside the environment "
	      "(default " SP_SYSCONFDIR "/sallyport.conf)\n"
	      "--check-config  print what is understood and where it came "
	      "from, and exit\n"
	      "\n"
	      "Exit codes and settings: sallyport(8), sallyport.conf(5).\n",
	      out);
}

struct args {
	const char *config;
	bool check;
};

static int
parse_args(int argc, char **argv, struct args *out)
{
	if (argc < 2 || strcmp(argv[1], "run") != 0)
		return EXIT_USAGE;
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--check-config"))
			out->check = true;
		else if (!strcmp(argv[i], "--config") && i + 1 < argc)
			out->config = argv[++i];
		else
			return EXIT_USAGE;
	}
	return 0;
}

/* The standard descriptors exist, so that nothing of ours takes their place. */
static int
standard_fds(struct sup *s)
{
	struct stat st;

	for (int fd = 0; fd < 3; fd++)
		if (fstat(fd, &st) != 0 && errno == EBADF && open_null() != fd)
			return EXIT_INTERNAL;
	s->null_fd = open_null();
	s->log_fd = open_log();
	return s->null_fd < 0 ? EXIT_INTERNAL : 0;
}

static void
setup_log(struct sup *s)
{
	const char *form = conf_str(s->conf, CONF_LOG);

	s->log_json =
		!strcmp(form, "json") || (!strcmp(form, "auto") && !isatty(2));
	log_setup(s->log_fd, s->log_json, s->t0_ns);
}

static int
load(struct sup *s, const struct args *a)
{
	struct conf_error error;

	if (conf_load(s->conf, a->config, environ, &error) != 0) {
		for (unsigned i = 0; i < error.count; i++)
			log_line(LOG_FAIL, NULL, "config", "%s", error.text[i]);
		return EXIT_CONFIG;
	}
	setup_log(s);
	if (paths_apart(s->conf) != 0 || control_check(s->conf) != 0 ||
	    paths_audit(s->conf) != 0)
		return EXIT_CONFIG;
	return 0;
}

/* Everything that can be wrong before anything starts. */
static int
prepare(struct sup *s)
{
	int r;

	if ((r = platform_swap_off()) != 0 || (r = check_files(s)) != 0 ||
	    (r = platform_install_ok()) != 0 || (r = platform_setup(s)) != 0)
		return r;
	if (!s->full && (r = paths_passable(s->conf)) != 0)
		return r;
	for (int seat = SEAT_BROKER; seat < SEAT_COUNT; seat++)
		if ((r = platform_uid_free(seat_uid(s, (enum seat)seat))) != 0)
			return r;
	return server_port_free(s);
}

/* What is understood; then what else can be wrong with it. */
static int
check_only(struct sup *s)
{
	int r;

	conf_print(s->conf, stdout);
	if (fflush(stdout) != 0) {
		log_line(LOG_FAIL, NULL, "output",
			 "standard output cannot be written: %s",
			 strerror(errno));
		return EXIT_INTERNAL;
	}
	if ((r = check_files(s)) != 0 || (r = check_template(s)) != 0)
		return r;
	log_line(LOG_STEP, NULL, "checked",
		 "the configuration and the files that it names are fine");
	return 0;
}

static int
run(struct sup *s, const struct args *a)
{
	int r;

	if ((r = standard_fds(s)) != 0)
		return r;
	/* First of all: for PID 1 a signal without a taker is lost. */
	if (wait_setup(s) != 0)
		return EXIT_INTERNAL;
	if ((r = load(s, a)) != 0)
		return r;
	if (a->check)
		return check_only(s);
	if ((r = prepare(s)) != 0 || (r = store_lock(s)) != 0)
		return r;
	if ((r = boot(s)) == 0)
		r = supervise(s);
	keeper_release(s); /* the server is gone: others may follow */
	return r;
}

/* A program of its own: what it plays and parses is no part of this one. */
static int
run_check(char **argv)
{
	static char program[] = SP_LIBEXECDIR "/sallyport-check";

	argv[1] = program;
	execv(program, argv + 1);
	log_line(LOG_FAIL, NULL, "install", "%s: %s", program, strerror(errno));
	return EXIT_INSTALL;
}

int
main(int argc, char **argv)
{
	static struct conf conf;
	static struct sup s;
	struct args args = {0};
	int r = parse_args(argc, argv, &args);

	if (argc >= 2 && !strcmp(argv[1], "check"))
		return run_check(argv);
	if (r != 0) {
		bool help = argc == 2 && !strcmp(argv[1], "--help");
		if (argc == 2 && !strcmp(argv[1], "--version"))
			return puts("sallyport " SP_VERSION) < 0 ||
			       fflush(stdout) != 0;
		usage(help ? stdout : stderr);
		return help ? fflush(stdout) != 0 : r;
	}
	sup_init(&s, &conf);
	log_setup(2, !isatty(2), s.t0_ns); /* until log is known */
	r = run(&s, &args);
	if (r != 0)
		report_end(r);
	conf_free(&conf);
	return r;
}
