/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session as a table.  Who may say a type at all, how long, and whether
 * after taint, is messages.def's part; here stands when, how often, and what
 * becomes of it.  Whatever has no line is refused.
 *
 * Before LOCKED a worker may explain why it never will: EVENT, NOTE, RESULT.
 * Between LOCKED and START it says nothing.
 */
#include "broker.h"

#define EARLY (B_IN(WAIT) | B_IN(GO))

const struct brule broker_rules[] = {
	/* type, action, states of the sender, at most, after, to */
	{MSG_LOCKED, A_LOCKED, EARLY, 1, 0, 0},
	{MSG_RESULT, A_RESULT, EARLY | B_IN(RUN), 1, 0, 0},
	{MSG_EVENT, A_EVENT, EARLY | B_IN(RUN), 64, 0, 0},
	{MSG_NOTE, A_NOTE, EARLY | B_IN(RUN), 16, 0, 0},
	{MSG_ADDRS, A_KEEP, B_IN(RUN), 1, 0, 0},
	{MSG_EVIDENCE, A_RELAY, B_IN(RUN), 1, 0, SEAT_FETCH},
	{MSG_ENC_TOKEN, A_RELAY, B_IN(RUN), 1, MSG_EVIDENCE, SEAT_TPM},
	{MSG_TOKEN, A_RELAY, B_IN(RUN), 1, MSG_ENC_TOKEN, SEAT_FETCH},
	{MSG_RELEASE_JWS, A_RELAY, B_IN(RUN), 1, MSG_TOKEN, SEAT_VERIFY},
	{MSG_WRAPPED_KEY, A_KEEP, B_IN(RUN), 1, MSG_RELEASE_JWS, 0},
	{MSG_BLOB, A_KEEP, B_IN(RUN), KEEP_BLOBS, 0, 0},
	{MSG_PFX, A_KEEP, B_IN(RUN), 1, 0, 0},
	{MSG_BUNDLE, A_KEEP, B_IN(RUN), 1, MSG_OPEN, 0},
	{MSG_JWE, A_KEEP, B_IN(RUN), 1, MSG_OPEN, 0},
	{MSG_ECHO, A_ECHO, B_IN(RUN), 0, 0,
	 0}, /* one for each time it is due */
};

const size_t broker_rule_count = sizeof(broker_rules) / sizeof(broker_rules[0]);

const struct brule *
broker_rule(unsigned type)
{
	for (size_t i = 0; i < broker_rule_count; i++) {
		if (broker_rules[i].type == type)
			return &broker_rules[i];
	}
	return NULL;
}

const char *
broker_state_name(enum bstate state)
{
	static const char *const names[B_STATE_COUNT] = {
		[B_WAIT] = "wait", [B_GO] = "go",     [B_LOCKED] = "locked",
		[B_RUN] = "run",   [B_DONE] = "done", [B_GONE] = "gone",
	};

	return state < B_STATE_COUNT ? names[state] : "?";
}
