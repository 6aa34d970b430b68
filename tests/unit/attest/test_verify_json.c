/* SPDX-License-Identifier: Apache-2.0 */
/* JSONTestSuite: what must be refused is, and objects that are fine pass. */
#include <dirent.h>

#include "check.h"
#include "strict_json.h"
#include "vectors.h"

#define SUITE "JSONTestSuite/test_parsing"

static unsigned refused, accepted, strict;

/* y_ files that are no object, or have a member twice or a NUL. */
static bool
not_for_us(const char *name, const char *text, size_t n)
{
	while (n && strchr(" \t\r\n", *text)) {
		text++;
		n--;
	}
	return n == 0 || *text != '{' || strstr(name, "duplicated_key") ||
	       strstr(name, "escaped_null_in_key");
}

static void
one(const char *name)
{
	char rel[400], *text;
	json_t *o = NULL;
	size_t bytes;
	int r;

	snprintf(rel, sizeof(rel), SUITE "/%s", name);
	text = read_vector(rel, &bytes);
	r = sjson_object(text, bytes, 1 << 20, &o);
	if (r != 0 && name[0] == 'n') {
		refused++;
	} else if (name[0] == 'n') {
		printf("# accepted: %s\n", name);
		EXPECT(!"a file that must be refused");
	} else if (name[0] == 'y' && not_for_us(name, text, bytes)) {
		strict++;
		EXPECT(r != 0);
	} else if (name[0] == 'y') {
		accepted++;
		if (r != 0)
			printf("# refused: %s\n", name);
		EXPECT(r == 0);
	}
	if (r == 0)
		json_decref(o);
	free(text);
}

CASE(every_file_of_the_suite_is_judged_right)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d;

	vector_path(SUITE, path);
	d = opendir(path);
	EXPECT(d != NULL);
	while (d && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			one(e->d_name);
	if (d)
		closedir(d);
	printf("# %u refused, %u accepted, %u refused by being strict\n",
	       refused, accepted, strict);
	EXPECT(refused == 188);
	EXPECT(accepted + strict == 95);
	EXPECT(accepted > 5);
}

CASE(bounds_the_text)
{
	json_t *o = NULL;

	EXPECT(sjson_object("{}", 2, 1, &o) == ERR_RANGE);
	EXPECT(sjson_object("{}", 2, 2, &o) == 0);
	json_decref(o);
	EXPECT(sjson_object("{}", 1, 9, &o) == ERR_FORMAT);
	EXPECT(sjson_object("{}\0", 3, 9, &o) == ERR_FORMAT);
}

CASE(base64url_member_takes_no_padding)
{
	static const char text[] = "{\"a\":\"AAE\",\"b\":\"AAE=\","
				   "\"c\":\"AA+A\",\"d\":1,"
				   "\"e\":\"AAAAAAAA\"}";
	json_t *o = NULL;
	uint8_t b[4];
	size_t n;

	EXPECT(sjson_object(text, sizeof(text) - 1, 100, &o) == 0);
	EXPECT(sjson_b64url(o, "a", b, sizeof(b), &n) == 0 && n == 2);
	EXPECT(sjson_b64url(o, "b", b, sizeof(b), &n) == ERR_FORMAT);
	EXPECT(sjson_b64url(o, "c", b, sizeof(b), &n) == ERR_FORMAT);
	EXPECT(sjson_b64url(o, "d", b, sizeof(b), &n) == ERR_FORMAT);
	EXPECT(sjson_b64url(o, "e", b, sizeof(b), &n) == ERR_RANGE);
	EXPECT(sjson_b64url(o, "f", b, sizeof(b), &n) == ERR_FORMAT);
	json_decref(o);
}

int
main(void)
{
	NEED_VECTOR(SUITE "/n_array_just_minus.json");
	return check_run();
}
