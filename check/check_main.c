/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-check: is everything here that Sallyport stands on?  Tries the
 * protections one by one, then runs every worker through its life under its
 * real confinement, against a world made for it.  Needs root; no TPM, no
 * Azure, no server, no network but loopback; leaves nothing behind.
 *
 * The supervisor's code is linked in and used as it is; this program is never
 * started by `sallyport run`.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "envelope.h"
#include "log.h"
#include "peer.h"
#include "platform.h"
#include "protect.h"
#include "report.h"
#include "rig.h"
#include "secret.h"
#include "supervise.h"
#include "wait.h"

#define ARENA (256u * 1024u)
/* A directory that we can do without, for a tmpfs in our own namespace. */
#define PLACE "/sys"

extern char **environ;

struct args {
	const char *config;
	bool json;
};

static const struct role {
	const char *name;
	const char *life; /* what it does in it */
	int (*run)(struct rig *r);
} roles[] = {
	{"broker", "go, relay, log, end", role_broker},
	{"resolve", "a literal address and localhost", role_resolve},
	{"https", "attest, release, probe, secrets; store, read back",
	 role_https},
	{"keeper", "the lease taken, given back, taken again, renewed, lost",
	 role_keeper},
	{"verify", "signed answer, chain, question", role_verify},
	{"tpm", "evidence, token, release, open, hand over, bundle", role_tpm},
	{"prepare", "render three templates; PFX of today and of old",
	 role_prepare},
	{"control", "look, init, unseal, prove, configure, revoke",
	 role_control},
	{"exec", "a program under the server's policy", role_exec},
};

static int
parse(int argc, char **argv, struct args *out)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			out->json = true;
		else if (!strcmp(argv[i], "--config") && i + 1 < argc)
			out->config = argv[++i];
		else
			return EXIT_USAGE;
	}
	return 0;
}

/* The log lines of supervisor and broker go to a memfd that we read. */
static int
take_log(struct rig *r)
{
	r->log_fd = memfd_create("sallyport-check-log", MFD_CLOEXEC);
	if (r->log_fd < 0 || dup2(r->log_fd, STDERR_FILENO) < 0)
		return ERR_SYS;
	log_setup(STDERR_FILENO, false, r->s.t0_ns);
	r->s.null_fd = open_null();
	return r->s.null_fd < 0 ? ERR_SYS : 0;
}

/* Puts a file of ours where the resolver looks, in this mount namespace. */
static int
own_resolver(void)
{
	static const char text[] = "nameserver 127.0.0.1\n";
	bool written;
	FILE *f;

	if (mount("sallyport-check", PLACE, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=0755,size=64k") != 0 ||
	    !(f = fopen(PLACE "/resolv.conf", "we")))
		return ERR_SYS;
	written = fputs(text, f) != EOF;
	if (fclose(f) != 0 || !written ||
	    chmod(PLACE "/resolv.conf", 0644) != 0)
		return ERR_SYS;
	return mount(PLACE "/resolv.conf", "/etc/resolv.conf", NULL, MS_BIND,
		     NULL) == 0
		       ? 0
		       : ERR_SYS;
}

/*
 * A network of our own with nothing but loopback, and a name server on it,
 * where that is permitted: the finding "namespaces" has said if not.
 */
static void
own_world(struct rig *r, struct peer *dns)
{
	int fd;

	if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 || platform_lo_up() != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return;
	if (own_resolver() != 0 || (fd = dns_socket()) < 0)
		return;
	r->dns = peer_start(dns, fake_dns, &r->f, &fd, 1) == 0;
	close(fd);
}

static int
listen_at(uint16_t *out_port)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t n = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0 &&
	    listen(fd, 16) == 0 &&
	    getsockname(fd, (struct sockaddr *)&in, &n) == 0) {
		*out_port = ntohs(in.sin_port);
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
start_azure(struct rig *r, struct peer *azure)
{
	uint16_t ports[FIX_SERVICES];
	int fd[FIX_SERVICES] = {-1, -1, -1, -1}, e = 0;

	for (int i = 0; i < FIX_SERVICES; i++)
		if ((fd[i] = listen_at(&ports[i])) < 0)
			e = ERR_SYS;
	if (e == 0)
		e = peer_start(azure, fake_azure, &r->f, fd, FIX_SERVICES);
	if (e == 0)
		e = fixture_ports(&r->conf, ports, r->dns);
	for (int i = 0; i < FIX_SERVICES; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return e;
}

/* Everything of our own before the supervisor's code confines us. */
static int
make_world(struct rig *r, struct peer *azure)
{
	enum secret_kind kind;
	int e;

	if ((e = start_azure(r, azure)) != 0 ||
	    (e = secret_arena(ARENA, &kind)) != 0)
		return e;
	return env_prime();
}

static void
run_role(struct rig *r, const struct role *role)
{
	uint64_t begin = now_ns();
	struct finding f;

	finding_init(&f, FOUND_ROLE, role->name);
	r->did = NULL;
	if (role->run(r) == 0)
		snprintf(f.text, sizeof(f.text), "%s",
			 r->did ? r->did : role->life);
	else
		rig_failed(r, &f);
	f.ms = (now_ns() - begin) / 1000000;
	report_add(&f);
}

static void
run_roles(struct rig *r, bool full)
{
	const struct exit_row *row;
	struct peer azure = {-1}, dns = {-1};
	char said[300];
	int code;

	if (full)
		own_world(r, &dns);
	if (make_world(r, &azure) != 0) {
		report_say(FOUND_PROTECTION, "fixtures", VERDICT_MISSING,
			   "report it", "the fixtures cannot be made (%s)",
			   strerror(errno));
		peer_stop(&azure);
		peer_stop(&dns);
		return;
	}
	rig_log(r, said, sizeof(said));
	code = platform_setup(&r->s);
	rig_log(r, said, sizeof(said));
	row = exit_row(code);
	if (code == 0)
		report_say(FOUND_PROTECTION, "profile", VERDICT_OK, NULL, "%s",
			   said);
	else
		report_say(FOUND_PROTECTION, "profile", VERDICT_MISSING,
			   row ? row->todo : NULL, "%s: no worker can be tried",
			   said);
	for (size_t i = 0; code == 0 && i < sizeof(roles) / sizeof(roles[0]);
	     i++)
		run_role(r, &roles[i]);
	peer_stop(&azure);
	peer_stop(&dns);
}

static int
refused(const struct conf_error *e)
{
	for (unsigned i = 0; i < e->count; i++)
		fprintf(stderr, "error: %s\n", e->text[i]);
	return EXIT_CONFIG;
}

/* The uids and the server of the configuration, everything else ours. */
static int
settings(struct rig *r, const struct args *a)
{
	struct conf_error error;

	if (conf_read(&r->conf, a->config, environ, &error) != 0)
		return refused(&error);
	if (fixture_make(&r->f) != 0 || fixture_conf(&r->f, &r->conf) != 0) {
		fputs("error: the fixtures cannot be made\n", stderr);
		return EXIT_INTERNAL;
	}
	return conf_fit(&r->conf, &error) != 0 ? refused(&error) : 0;
}

static int
check(struct traced *t, void *arg)
{
	static struct rig r;
	const struct args *a = arg;
	bool full = protect_full();
	int code;

	sup_init(&r.s, &r.conf);
	r.traced = t;
	if ((code = settings(&r, a)) != 0)
		return code;
	if (wait_setup(&r.s) != 0 || take_log(&r) != 0)
		return EXIT_INTERNAL;
	report_open(a->json);
	protect_kernel(full);
	protect_machine(&r);
	run_roles(&r, full);
	if (r.s.stop)
		return EXIT_INTERRUPTED;
	return report_close(full ? "full" : "container") ? EXIT_CHECK : EXIT_OK;
}

int
main(int argc, char **argv)
{
	struct args args = {0};

	if (parse(argc, argv, &args) != 0) {
		fputs("usage: sallyport check [--config FILE] [--json]\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (geteuid() != 0) {
		fputs("error: sallyport check must be run by root: it starts "
		      "every worker as its own uid\n",
		      stderr);
		return EXIT_PLATFORM;
	}
	/* whoever started us may ignore it: then nobody could be reaped */
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR)
		return EXIT_INTERNAL;
	return kill_trace(check, &args);
}
