/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A boot on a local store: supervisor, broker, the seats of a session and the
 * server, with a death of any process or of the whole machine at any state
 * (FAULTS of them).  messages.pml is made from ipc/messages.def and ipc/seat.h:
 * whoever says what the table does not name fails an assertion.
 * docs/MODEL.md says what is checked and what is left out.
 */
#include "messages.pml"

#define UNSEEN 0 /* of a look */
#define EMPTY  0 /* the store */
#define HALF   1
#define INIT_D 2
#define NOTHING 0 /* in the key vault */
#define FRESH	1
#define FINAL	2
#define NONE	 0 /* the marker */
#define PREPARED 1
#define MARKED	 2 /* STORED */
#define ALIVE 0 /* exit codes */
#define OK    1
#define CRASH 2
#define MADE  3
#define GO_OPEN 200
#define GO_END	201
#define SESSIONS_MAX 8

/* What outlives a power loss. */
byte marker = NONE, marker_gen, store = EMPTY, store_gen, vault = NOTHING,
     vault_gen, gens;
bool data; /* somebody wrote something, in a public life */

/* What does not. */
bool power = true, alive[SEATS], killed[SEATS], key[SEATS], opened, unsealed,
	public_life, ready, kept_bundle, kept_final, kept_pfx;
byte code[SEATS], faults = FAULTS, boots, sessions, found, mem_gen;

chan up[SEATS] = [1] of {byte};	  /* to the broker */
chan down[SEATS] = [3] of {byte}; /* from it */
chan go = [2] of {byte};
chan to_tpm = [1] of {byte};
chan to_init = [1] of {byte};
chan to_tls = [1] of {byte};
chan to_unseal = [1] of {byte};

#define net_alive                                                              \
	(alive[SEAT_RESOLVE] || alive[SEAT_FETCH] || alive[SEAT_STORE0] ||     \
	 alive[SEAT_STORE1])
#define key_alive                                                              \
	((alive[SEAT_TPM] && key[SEAT_TPM]) ||                                 \
	 (alive[SEAT_INIT] && key[SEAT_INIT]) ||                               \
	 (alive[SEAT_TLS] && key[SEAT_TLS]) ||                                 \
	 (alive[SEAT_UNSEAL] && key[SEAT_UNSEAL]))
#define never_together assert(!(net_alive && key_alive)) /* P1 */

/* Every word is one that the table lets this seat say to that one. */
inline say(chn, from, to, m)
{
	atomic { chn!m; assert(MAY(m, from, to)); }
}
inline hear(chn, from, to, m)
{
	atomic { chn?eval(m); assert(MAY(m, from, to)); }
}
inline taint(me)
{
	d_step { key[me] = true; never_together; }
}
/* The end of a process: what it held is gone with it. */
inline leave(me, how)
{
	d_step { code[me] = how; key[me] = false; alive[me] = false; }
}
#define DIES(me) unless { atomic { (killed[me] || !power) -> leave(me, CRASH) } }

proctype Resolve()
{
	{
		say(up[SEAT_RESOLVE], SEAT_RESOLVE, SEAT_BROKER, LOCKED);
		hear(down[SEAT_RESOLVE], SEAT_BROKER, SEAT_RESOLVE, START);
		say(up[SEAT_RESOLVE], SEAT_RESOLVE, SEAT_BROKER, ADDRS);
		leave(SEAT_RESOLVE, OK)
	} DIES(SEAT_RESOLVE)
}

proctype Fetch()
{
	{
		say(up[SEAT_FETCH], SEAT_FETCH, SEAT_BROKER, LOCKED);
		hear(down[SEAT_FETCH], SEAT_BROKER, SEAT_FETCH, START);
		hear(down[SEAT_FETCH], SEAT_BROKER, SEAT_FETCH, ADDRS);
		found = vault;
		if
		:: found != NOTHING ->
			say(up[SEAT_FETCH], SEAT_FETCH, SEAT_BROKER, BLOB)
		:: else
		fi;
		say(up[SEAT_FETCH], SEAT_FETCH, SEAT_BROKER, PFX);
		hear(down[SEAT_FETCH], SEAT_BROKER, SEAT_FETCH, EVIDENCE);
		say(up[SEAT_FETCH], SEAT_FETCH, SEAT_BROKER, ENC_TOKEN);
		hear(down[SEAT_FETCH], SEAT_BROKER, SEAT_FETCH, TOKEN);
		say(up[SEAT_FETCH], SEAT_FETCH, SEAT_BROKER, RELEASE_JWS);
		leave(SEAT_FETCH, OK)
	} DIES(SEAT_FETCH)
}

proctype Verify()
{
	{
		say(up[SEAT_VERIFY], SEAT_VERIFY, SEAT_BROKER, LOCKED);
		hear(down[SEAT_VERIFY], SEAT_BROKER, SEAT_VERIFY, START);
		hear(down[SEAT_VERIFY], SEAT_BROKER, SEAT_VERIFY, RELEASE_JWS);
		say(up[SEAT_VERIFY], SEAT_VERIFY, SEAT_BROKER, WRAPPED_KEY);
		leave(SEAT_VERIFY, OK)
	} DIES(SEAT_VERIFY)
}

proctype Tpm()
{
	byte blobs;

	{
		say(up[SEAT_TPM], SEAT_TPM, SEAT_BROKER, LOCKED);
		hear(down[SEAT_TPM], SEAT_BROKER, SEAT_TPM, START);
		say(up[SEAT_TPM], SEAT_TPM, SEAT_BROKER, EVIDENCE);
		hear(down[SEAT_TPM], SEAT_BROKER, SEAT_TPM, ENC_TOKEN);
		say(up[SEAT_TPM], SEAT_TPM, SEAT_BROKER, TOKEN);
		hear(down[SEAT_TPM], SEAT_BROKER, SEAT_TPM, WRAPPED_KEY);
		taint(SEAT_TPM);
		do
		:: atomic { down[SEAT_TPM]?[BLOB] ->
			hear(down[SEAT_TPM], SEAT_BROKER, SEAT_TPM, BLOB);
			blobs++ }
		:: down[SEAT_TPM]?[OPEN] -> break
		od;
		hear(down[SEAT_TPM], SEAT_BROKER, SEAT_TPM, OPEN);
		if
		:: blobs == 0 -> /* a first life: what is made is made once */
			say(to_init, SEAT_TPM, SEAT_INIT, TPM_PUB);
			hear(to_tpm, SEAT_INIT, SEAT_TPM, SEALED_KEYS);
			say(up[SEAT_TPM], SEAT_TPM, SEAT_BROKER, BUNDLE);
			leave(SEAT_TPM, MADE)
		:: else ->
			hear(to_tpm, SEAT_TLS, SEAT_TPM, SEAL_PUB);
			say(to_tls, SEAT_TPM, SEAT_TLS, SEALED_PASSWORD);
			hear(to_tpm, SEAT_UNSEAL, SEAT_TPM, SEAL_PUB);
			say(to_unseal, SEAT_TPM, SEAT_UNSEAL, SEALED_SHARES);
			if
			:: found == FRESH ->
				say(up[SEAT_TPM], SEAT_TPM, SEAT_BROKER,
				    BUNDLE)
			:: else
			fi;
			leave(SEAT_TPM, OK)
		fi
	} DIES(SEAT_TPM)
}

/* prepare tls: the PFX's password and key. */
proctype Tls()
{
	{
		say(up[SEAT_TLS], SEAT_TLS, SEAT_BROKER, LOCKED);
		hear(down[SEAT_TLS], SEAT_BROKER, SEAT_TLS, START);
		say(to_tpm, SEAT_TLS, SEAT_TPM, SEAL_PUB);
#ifdef MUT_OTHERS_WORD
		say(up[SEAT_TLS], SEAT_TLS, SEAT_BROKER, BUNDLE);
#endif
		hear(to_tls, SEAT_TPM, SEAT_TLS, SEALED_PASSWORD);
		taint(SEAT_TLS);
		hear(down[SEAT_TLS], SEAT_BROKER, SEAT_TLS, PFX);
		leave(SEAT_TLS, OK)
	} DIES(SEAT_TLS)
}

/* control init: the private server makes its keys, step by step. */
proctype Init()
{
	{
		say(up[SEAT_INIT], SEAT_INIT, SEAT_BROKER, LOCKED);
		hear(down[SEAT_INIT], SEAT_BROKER, SEAT_INIT, START);
		hear(to_init, SEAT_TPM, SEAT_INIT, TPM_PUB);
		d_step { /* without its server it waits for its end */
			alive[SEAT_SERVER] -> assert(!public_life);
			assert(store == EMPTY); /* never over what is there */
			store = HALF;
			store_gen = mem_gen
		};
		d_step { alive[SEAT_SERVER] ->
			 store = INIT_D; key[SEAT_INIT] = true; never_together };
		say(to_tpm, SEAT_INIT, SEAT_TPM, SEALED_KEYS);
		leave(SEAT_INIT, OK)
	} DIES(SEAT_INIT)
}

proctype Unseal()
{
	{
		say(up[SEAT_UNSEAL], SEAT_UNSEAL, SEAT_BROKER, LOCKED);
		hear(down[SEAT_UNSEAL], SEAT_BROKER, SEAT_UNSEAL, START);
		say(to_tpm, SEAT_UNSEAL, SEAT_TPM, SEAL_PUB);
		hear(to_unseal, SEAT_TPM, SEAT_UNSEAL, SEALED_SHARES);
		taint(SEAT_UNSEAL);
		d_step { /* only what was fetched anew unseals */
			alive[SEAT_SERVER] -> assert(vault_gen == store_gen && store == INIT_D);
			unsealed = true
		};
		if
		:: found == FRESH ->
			say(up[SEAT_UNSEAL], SEAT_UNSEAL, SEAT_BROKER, JWE)
		:: else
		fi;
		leave(SEAT_UNSEAL, OK)
	} DIES(SEAT_UNSEAL)
}

/* https store: a write may be answered and not kept. */
proctype Store(byte me)
{
	byte kind;

	{
		say(up[me], me, SEAT_BROKER, LOCKED);
		hear(down[me], SEAT_BROKER, me, START);
		hear(down[me], SEAT_BROKER, me, ADDRS);
		hear(down[me], SEAT_BROKER, me, BUNDLE);
		kind = (kept_final -> FINAL : FRESH);
		do /* a write that is answered and not kept is seen by reading */
		:: d_step { true -> vault = kind; vault_gen = mem_gen }; break
		:: atomic { faults > 0 -> faults-- }
#ifdef MUT_NO_READ_BACK
			; break
#endif
		od;
		say(up[me], me, SEAT_BROKER, ECHO);
		hear(down[me], SEAT_BROKER, me, STORED);
		leave(me, OK)
	} DIES(me)
}

proctype Server()
{
	{
		do
		:: public_life && unsealed && !data -> data = true
		od
	} DIES(SEAT_SERVER)
}

#define said_and_kept                                                          \
	(up[SEAT_RESOLVE]?[ADDRS] || up[SEAT_FETCH]?[BLOB] ||                  \
	 up[SEAT_FETCH]?[PFX] || up[SEAT_VERIFY]?[WRAPPED_KEY] ||              \
	 up[SEAT_TPM]?[BUNDLE] || up[SEAT_UNSEAL]?[JWE])
#define start(seat) say(down[seat], SEAT_BROKER, seat, START)

proctype Broker()
{
	byte b, blobs, how;
	bool runs[SEATS];

	{
		do
		/* what the supervisor decided: all that was said before is heard
		 * first (broker_io.c drains) */
		:: atomic { !said_and_kept && nempty(go) -> go?b } ->
			if
			:: b == GO_END -> how = OK; break
			:: b == GO_OPEN ->
#ifndef MUT_OPEN_BOTH
				if
				:: net_alive -> how = CRASH; break
				:: else
				fi;
#endif
				opened = true;
				say(down[SEAT_TPM], SEAT_BROKER, SEAT_TPM,
				    WRAPPED_KEY);
				do
				:: blobs > 0 ->
					say(down[SEAT_TPM], SEAT_BROKER,
					    SEAT_TPM, BLOB);
					blobs--
				:: else -> break
				od;
				say(down[SEAT_TPM], SEAT_BROKER, SEAT_TPM, OPEN)
			:: else ->
				if
				:: up[b]?eval(LOCKED)
				:: !alive[b] && empty(up[b]) -> goto next
				fi;
				start(b);
				runs[b] = true;
				if
				:: b == SEAT_FETCH || b == SEAT_STORE0 ||
				   b == SEAT_STORE1 ->
					say(down[b], SEAT_BROKER, b, ADDRS)
				:: b == SEAT_TLS ->
					say(down[b], SEAT_BROKER, b, PFX)
				:: else
				fi;
				if
				:: b == SEAT_STORE0 || b == SEAT_STORE1 ->
					assert(kept_bundle);
					say(down[b], SEAT_BROKER, b, BUNDLE)
				:: else
				fi;
next:				skip
			fi
		/* what the seats say: LOCKED waits for its go */
		:: up[SEAT_RESOLVE]?eval(ADDRS)
		:: up[SEAT_FETCH]?eval(BLOB) -> blobs++
		:: up[SEAT_FETCH]?eval(PFX) -> kept_pfx = true
		/* kept for who does not run yet */
		:: runs[SEAT_FETCH] && up[SEAT_TPM]?[EVIDENCE] ->
			up[SEAT_TPM]?eval(EVIDENCE);
			say(down[SEAT_FETCH], SEAT_BROKER, SEAT_FETCH, EVIDENCE)
		:: up[SEAT_FETCH]?eval(ENC_TOKEN) ->
			say(down[SEAT_TPM], SEAT_BROKER, SEAT_TPM, ENC_TOKEN)
		:: up[SEAT_TPM]?eval(TOKEN) ->
			say(down[SEAT_FETCH], SEAT_BROKER, SEAT_FETCH, TOKEN)
		:: runs[SEAT_VERIFY] && up[SEAT_FETCH]?[RELEASE_JWS] ->
			up[SEAT_FETCH]?eval(RELEASE_JWS);
			say(down[SEAT_VERIFY], SEAT_BROKER, SEAT_VERIFY,
			    RELEASE_JWS)
		:: up[SEAT_VERIFY]?eval(WRAPPED_KEY)
		:: up[SEAT_TPM]?eval(BUNDLE) ->
			d_step { kept_bundle = true; kept_final = (found != NOTHING) }
		:: up[SEAT_UNSEAL]?eval(JWE)
		:: up[SEAT_STORE0]?eval(ECHO) ->
			say(down[SEAT_STORE0], SEAT_BROKER, SEAT_STORE0, STORED)
		:: up[SEAT_STORE1]?eval(ECHO) ->
			say(down[SEAT_STORE1], SEAT_BROKER, SEAT_STORE1, STORED)
		od;
		leave(SEAT_BROKER, how)
	} DIES(SEAT_BROKER)
}

#define spawn(seat, P)                                                         \
	skip;                                                                  \
	d_step { killed[seat] = false; code[seat] = ALIVE; alive[seat] = true;  \
		 never_together };                                              \
	run P
#define gone(seat)  (!alive[seat])
/* Any death that nobody asked for ends the session, but a store seat's, and
 * the server's when its keys are made. */
#define hurt                                                                   \
	(code[SEAT_BROKER] == CRASH || code[SEAT_RESOLVE] == CRASH ||          \
	 code[SEAT_FETCH] == CRASH || code[SEAT_VERIFY] == CRASH ||            \
	 code[SEAT_TPM] == CRASH || code[SEAT_TLS] == CRASH ||                 \
	 code[SEAT_INIT] == CRASH || code[SEAT_UNSEAL] == CRASH ||             \
	 (code[SEAT_SERVER] == CRASH &&                                        \
	  !(code[SEAT_INIT] == OK && code[SEAT_TPM] == MADE)) || !power)
#ifdef MUT_DEAF /* a death is not seen */
#define HURT false
#else
#define HURT hurt
#endif
#define await(seat)                                                            \
	if                                                                     \
	:: !hurt && gone(seat)                                                 \
	:: HURT -> goto failed                                                 \
	fi

inline tell(b)
{
	if
	:: go!b
	:: hurt -> goto failed
	fi
}

inline stop_server()
{
	killed[SEAT_SERVER] = true;
	gone(SEAT_SERVER);
	d_step { code[SEAT_SERVER] = ALIVE; unsealed = false;
		 public_life = false }
}

inline end_all()
{
	d_step {
		i = 0;
		do
		:: i < SEATS -> killed[i] = true; i++
		:: else -> break
		od
	};
#ifdef MUT_LEAVE_TPM
	killed[SEAT_TPM] = false;
#endif
	do
	:: d_step { i = 0;
		do
		:: i < SEATS && !alive[i] -> i++
		:: else -> break
		od };
		if
		:: i == SEATS -> break
		:: i < SEATS && killed[i] -> gone(i)
		:: else -> break
		fi
	od;
	skip;
	d_step { /* nothing is held after a failure, nothing left in a pipe */
		assert(!key_alive);
		i = 0;
		do
		:: i < SEATS ->
			assert(!alive[i] && !key[i]);
			do :: nempty(up[i]) -> up[i]?_ :: empty(up[i]) -> break od;
			do :: nempty(down[i]) -> down[i]?_ :: empty(down[i]) -> break od;
			code[i] = ALIVE;
			i++
		:: else -> break
		od;
		do :: nempty(go) -> go?_ :: empty(go) -> break od;
		do :: nempty(to_tpm) -> to_tpm?_ :: empty(to_tpm) -> break od;
		do :: nempty(to_init) -> to_init?_ :: empty(to_init) -> break od;
		do :: nempty(to_tls) -> to_tls?_ :: empty(to_tls) -> break od;
		do :: nempty(to_unseal) -> to_unseal?_ :: empty(to_unseal) -> break od;
		opened = false; unsealed = false; public_life = false;
		kept_bundle = false; kept_final = false; kept_pfx = false;
		found = 0; i = 0
	}
}

inline store_wave()
{
	spawn(SEAT_STORE0, Store(SEAT_STORE0));
	tell(SEAT_STORE0);
	if
	:: !hurt && gone(SEAT_STORE0) && code[SEAT_STORE0] == OK
	:: !hurt && code[SEAT_STORE0] == CRASH -> /* the next one goes on */
		spawn(SEAT_STORE1, Store(SEAT_STORE1));
		tell(SEAT_STORE1);
		if
		:: !hurt && code[SEAT_STORE1] == OK
		:: hurt || code[SEAT_STORE1] == CRASH -> goto failed
		fi
	:: hurt -> goto failed
	fi
}

active proctype Supervisor()
{
	byte i;

boot:
	boots++;
	assert(boots <= FAULTS + 1); /* each boot that fails had a fault */
	sessions = 0;
session:
	sessions++;
	assert(sessions <= SESSIONS_MAX); /* it goes in no circle */
	/* data is never without the keys that open it, nor keys without it */
	assert(!data || (store == INIT_D && vault != NOTHING &&
			 vault_gen == store_gen));
	assert(marker != MARKED || vault != NOTHING);
	mem_gen = (marker == NONE -> gens + 1 : marker_gen);
	gens = (marker == NONE -> gens + 1 : gens);
	/* wave 0 */
	spawn(SEAT_BROKER, Broker());
	spawn(SEAT_RESOLVE, Resolve());
	tell(SEAT_RESOLVE);
	await(SEAT_RESOLVE);
	/* wave 1, and the look */
	spawn(SEAT_TPM, Tpm());
	spawn(SEAT_FETCH, Fetch());
	spawn(SEAT_VERIFY, Verify());
	tell(SEAT_TPM);
	tell(SEAT_FETCH);
	tell(SEAT_VERIFY);
#ifdef MUT_OPEN_EARLY
	await(SEAT_VERIFY);
	tell(GO_OPEN);
#endif
#ifdef MUT_OPEN_BOTH
	await(SEAT_VERIFY);
	tell(GO_OPEN);
#endif
	await(SEAT_FETCH);
	await(SEAT_VERIFY);
	if :: hurt -> goto failed :: else fi;
	if
	:: marker == NONE && store == EMPTY && found == NOTHING ->
#ifndef MUT_NO_PREPARED
		d_step { marker = PREPARED; marker_gen = mem_gen }
#endif
	:: else
	fi;
	/* the table */
	if
	:: store == EMPTY && marker != MARKED && found == NOTHING ->
		goto first_life
#ifdef MUT_ASIDE_STORED
	:: store != EMPTY && data -> goto aside
#endif
	:: marker == PREPARED && store != EMPTY && found == NOTHING ->
		goto aside
	:: store == INIT_D && found != NOTHING && marker != NONE ->
		goto ordinary
	:: else -> goto stopped
	fi;
first_life:
	skip;
	spawn(SEAT_SERVER, Server());
	tell(GO_OPEN);
	spawn(SEAT_INIT, Init());
	tell(SEAT_INIT);
	await(SEAT_INIT);
	await(SEAT_TPM);
	stop_server();
	assert(code[SEAT_TPM] == MADE);
#ifdef MUT_STORED_EARLY
	marker = MARKED;
#endif
#ifndef MUT_NO_STORE
	store_wave();
#endif
	tell(GO_END);
	await(SEAT_BROKER);
	end_all();
	goto session;
aside:
	assert(!data && marker == PREPARED); /* moved, never deleted */
	if :: hurt -> goto failed :: else fi;
	end_all();
	d_step { store = EMPTY; gens++; marker_gen = gens };
	goto session;
ordinary:
#ifndef MUT_OPEN_EARLY
#ifndef MUT_OPEN_BOTH
	tell(GO_OPEN);
#endif
#endif
	spawn(SEAT_TLS, Tls());
	tell(SEAT_TLS);
	await(SEAT_TLS);
	if :: hurt -> goto failed :: else fi;
	marker = MARKED;
	spawn(SEAT_SERVER, Server());
	public_life = true;
	spawn(SEAT_UNSEAL, Unseal());
	tell(SEAT_UNSEAL);
	await(SEAT_UNSEAL);
	await(SEAT_TPM);
	if
	:: found == FRESH -> store_wave()
	:: else
	fi;
	tell(GO_END);
	await(SEAT_BROKER);
	if
	:: hurt -> goto failed
	:: atomic { else -> ready = true }
	fi;
	assert(!net_alive && !key_alive); /* at rest */
	/* somebody writes; it ends; and it may be that this is all */
	if
	:: atomic { data && faults > 0 -> faults--; ready = false }; goto failed
	:: data && faults == 0
	:: hurt -> ready = false; goto failed
	fi;
	end_all();
	goto over;
stopped:
	/* on a local store no fault of ours may lead here */
	assert(false);
failed:
	skip;
	end_all();
	power = true;
	goto boot;
over:
	assert(ready && vault == FINAL);
}

/* One death at a time, of anybody, whenever. */
active proctype Fault()
{
	byte i;

end:	do
	:: atomic { faults > 0 && power -> faults--; power = false }
	:: atomic { faults > 0 && power ->
		i = SEAT_BROKER;
		do
		:: i < SEATS - 1 -> i++
		:: break
		od;
		if
		:: alive[i] && !killed[i] -> faults--; killed[i] = true
		:: else
		fi;
		i = 0 }
	od
}
