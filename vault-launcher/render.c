/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare's seat `render`: the template and, where the storage needs one, the
 * sealed storage key, to the configurations of both lives.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "b64.h"
#include "blob.h"
#include "events.h"
#include "fds.h"
#include "prepare.h"
#include "storage_block.h"
#include "tags.h"
#include "template.h"

#define KEY_CHARS B64_LEN(STORAGE_KEY_BYTES)
#define ARENA	  (RENDERED_MAX + 8192u)

static struct worker self;

static struct {
	char value[VAR_COUNT][VALUE_MAX + 1]; /* all but the key */
	struct template_values values;
	char container[VALUE_MAX + 1]; /* of storage azure, else empty */
	bool keyed;		       /* a storage key comes */
	bool stand_in; /* none comes, and a fixed text takes its place */
	struct sealed_want sealed;
	struct secret *sk_key_text; /* base64 and a NUL */
	struct secret *sk_rendered;
	size_t rendered_bytes;
	struct block_found block;
	unsigned bad_line;
} job;

/* A value of CONFIG; absent or empty: the template must not name it. */
static int
take(enum variable v, unsigned tag)
{
	int r = items_str(&self.config, tag, 0, job.value[v],
			  sizeof(job.value[v]));

	if (r == ERR_NOTFOUND || (r == 0 && job.value[v][0] == '\0'))
		return 0;
	if (r != 0 || (r = template_value(v, job.value[v])) != 0)
		return r;
	job.values.sk_value[v] = job.value[v];
	return 0;
}

static int
read_config(void)
{
	uint32_t keyed = 0, stand_in = 0;
	int r;

	if ((r = take(VAR_HOSTNAME, TAG_HOSTNAME)) != 0 ||
	    (r = take(VAR_PORT, TAG_PORT)) != 0 ||
	    (r = take(VAR_SA_NAME, TAG_SA_NAME)) != 0 ||
	    (r = take(VAR_STORAGE, TAG_STORAGE)) != 0 ||
	    (r = take(VAR_STORAGE_PATH, TAG_STORAGE_PATH)) != 0 ||
	    (r = take(VAR_RUN_DIRECTORY, TAG_RUN_DIRECTORY)) != 0)
		return r;
	if (!job.values.sk_value[VAR_STORAGE])
		return ERR_NOTFOUND;
	r = items_str(&self.config, TAG_CONTAINER, 0, job.container,
		      sizeof(job.container));
	if (r != 0 && r != ERR_NOTFOUND)
		return r;
	r = items_u32(&self.config, TAG_STORAGE_KEY, &keyed);
	if (r != 0 && r != ERR_NOTFOUND)
		return r;
	r = items_u32(&self.config, TAG_STAND_IN, &stand_in);
	if (r != 0 && r != ERR_NOTFOUND)
		return r;
	job.keyed = keyed == 1;
	job.stand_in = stand_in == 1;
	return keyed + stand_in <= 1 ? 0 : ERR_RANGE;
}

static int
begin(void)
{
	int r;

	if ((r = read_config()) != 0 || (r = prepare_begin(ARENA)) != 0 ||
	    (r = secret_new(KEY_CHARS + 1, &job.sk_key_text)) != 0 ||
	    (r = secret_new(RENDERED_MAX, &job.sk_rendered)) != 0)
		return r;
	if (!job.keyed)
		return 0;
	job.sealed.fd_pub = FD_RENDER_PUB;
	job.sealed.fd_in = FD_RENDER_IN;
	job.sealed.type = MSG_SEALED_STORAGE;
	return env_key_new(&job.sealed.key, job.sealed.pub);
}

/* The storage key: 64 bytes, which the configuration has in base64. */
static int
receive_key(void)
{
	struct secret *sk = NULL;
	char *sk_text = (char *)secret_bytes(job.sk_key_text);
	int code;

	if (job.stand_in) {
		static const uint8_t zeros[STORAGE_KEY_BYTES];

		b64_encode(B64_STD, zeros, sizeof(zeros), sk_text);
		job.values.sk_value[VAR_SAA_KEY] = sk_text;
	}
	if (!job.keyed)
		return 0;
	if ((code = prepare_say_pub(&self, &job.sealed)) != 0 ||
	    (code = prepare_unseal(&self, &job.sealed, &sk)) != 0)
		return code;
	if (secret_size(sk) == STORAGE_KEY_BYTES)
		b64_encode(B64_STD, secret_bytes(sk), STORAGE_KEY_BYTES,
			   sk_text);
	else
		code = EXIT_BLOB_CONTENT;
	secret_free(sk);
	job.values.sk_value[VAR_SAA_KEY] = sk_text;
	return code;
}

/* The template as the supervisor sealed it; longer than allowed: refused. */
static int
read_template(char *out, size_t cap, size_t *out_bytes)
{
	size_t used = 0;

	while (used < cap) {
		ssize_t n = pread(FD_RENDER_TEMPLATE, out + used, cap - used,
				  (off_t)used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return EXIT_INTERNAL;
		if (n == 0) {
			*out_bytes = used;
			return 0;
		}
		used += (size_t)n;
	}
	return EXIT_TEMPLATE;
}

static int
render(void)
{
	static char text[TEMPLATE_MAX + 1];
	uint8_t *sk_out = secret_bytes(job.sk_rendered);
	const struct block_want want = {
		.type = job.value[VAR_STORAGE],
		.path = job.value[VAR_STORAGE_PATH],
		.account = job.value[VAR_SA_NAME],
		.container = job.container,
	};
	struct wr sk_w;
	size_t bytes;
	int code;

	if ((code = read_template(text, sizeof(text), &bytes)) != 0)
		return code;
	wr_init(&sk_w, sk_out, RENDERED_MAX);
	if (template_render(text, bytes, &job.values, &sk_w, &job.bad_line) !=
		    0 ||
	    wr_end(&sk_w, &job.rendered_bytes) != 0)
		return EXIT_TEMPLATE;
	if (storage_block((const char *)sk_out, job.rendered_bytes, &want,
			  &job.block) != 0) {
		job.bad_line = job.block.line;
		return EXIT_TEMPLATE;
	}
	return 0;
}

/* Only now, with everything checked, are the files written. */
static int
write_out(void)
{
	const uint8_t *sk = secret_bytes(job.sk_rendered);

	if (prepare_write(FD_RENDER_PUBLIC, sk, job.rendered_bytes) != 0 ||
	    prepare_write(FD_RENDER_PRIVATE, sk + job.block.from,
			  job.block.bytes) != 0 ||
	    prepare_write(FD_RENDER_PRIVATE, "\n", 1) != 0)
		return EXIT_INTERNAL;
	return EXIT_OK;
}

static int
work(void)
{
	int code;

	if ((code = receive_key()) != 0)
		return code;
	code = render();
	if (code == EXIT_TEMPLATE && !job.keyed)
		worker_event(&self, EVENT_TEMPLATE_LINE, job.bad_line, 0, 0, 0);
	if (code != 0)
		return code;
	code = write_out();
	if (code == EXIT_OK && !job.keyed)
		worker_event(&self, EVENT_RENDERED, 0, 0, 0, 0);
	return code;
}

/* Everything that is left, whatever came of it. */
static void
end(void)
{
	secret_free(job.sk_rendered);
	secret_free(job.sk_key_text);
	env_key_free(job.sealed.key);
}

static bool
keyed(void)
{
	return job.keyed;
}

_Noreturn void
render_seat(void)
{
	static const struct worker_desc desc = {
		.seat = SEAT_RENDER,
		.page = &page_prepare,
		.stack_config = 256 * 1024,
		.locks_memory = true,
	};
	static const struct prepare_steps steps = {begin, keyed, work, end};

	prepare_run(&self, &desc, &steps);
}
