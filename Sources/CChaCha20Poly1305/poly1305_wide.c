// A block of Poly1305 waits for the one before it: h = (h + m) r. Sixteen sums that each skip fifteen blocks,
// h = h r^16 + m, wait for themselves alone; each ends with the power of r that its place lacks. Two registers of eight
// such sums keep both multipliers of a processor busy while each waits for its own carries.
//
// Numbers modulo p = 2^130 - 5 are three limbs of 44, 44 and 42 bits, so that a product of two limbs is 88 to 94 bits:
// its low 52 and its high 52 are what the instructions add up. 2^132 is 20 modulo p, 2^130 is 5.
#include "poly1305_wide.h"

#if defined(__x86_64__)

#include "burn_traces.h"

#include <immintrin.h>

#define WITH_IFMA __attribute__((target("avx512f,avx512ifma")))
#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

typedef unsigned long word;
typedef unsigned __int128 wide_word;

enum { block = 16, limbs = 3, lanes = 8, groups = 2, run = block * lanes * groups, shortest_wide = 4 * run };

static const word limb_mask = ((word)1 << 44) - 1, top_mask = ((word)1 << 42) - 1;

struct state {
	word r[limbs], h[limbs], pad[2];
	// Of each group the powers of r that its lanes lack at the end, and r^16; made when they are first wanted.
	word last_powers[groups][limbs][lanes], step[limbs];
	int has_powers;
	unsigned held;
	unsigned char partial[block];
};

_Static_assert(sizeof(struct state) <= osnova_poly1305_state_size, "the state is larger than it says");

int osnova_poly1305_is_possible(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma");
}

// One number

INLINE word load(const unsigned char *bytes)
{
	word value;
	__builtin_memcpy(&value, bytes, sizeof value);
	return value;
}

INLINE void split(word low, word high, word out[limbs])
{
	out[0] = low & limb_mask;
	out[1] = (low >> 44 | high << 20) & limb_mask;
	out[2] = high >> 24;
}

// Limbs of 44, 44 and 42 bits but for a carry into the second.
INLINE void carry(word a[limbs])
{
	a[1] += a[0] >> 44, a[0] &= limb_mask;
	a[2] += a[1] >> 44, a[1] &= limb_mask;
	a[0] += 5 * (a[2] >> 42), a[2] &= top_mask;
	a[1] += a[0] >> 44, a[0] &= limb_mask;
}

// a = a b modulo p.
INLINE void multiply(word a[limbs], const word b[limbs])
{
	const wide_word a0 = a[0], a1 = a[1], a2 = a[2];
	wide_word d0 = a0 * b[0] + a1 * (20 * b[2]) + a2 * (20 * b[1]);
	wide_word d1 = a0 * b[1] + a1 * b[0] + a2 * (20 * b[2]);
	wide_word d2 = a0 * b[2] + a1 * b[1] + a2 * b[0];
	d1 += d0 >> 44;
	d2 += d1 >> 44;
	a[0] = ((word)d0 & limb_mask) + 5 * (word)(d2 >> 42);
	a[1] = (word)d1 & limb_mask;
	a[2] = (word)d2 & top_mask;
	a[1] += a[0] >> 44, a[0] &= limb_mask;
}

// Takes in one block, above whose last byte stands a bit: 2^128 for a whole one.
INLINE void absorb(struct state *state, const unsigned char *in, word top)
{
	word m[limbs];
	split(load(in), load(in + 8), m);
	state->h[0] += m[0];
	state->h[1] += m[1];
	state->h[2] += m[2] + (top << 40);
	multiply(state->h, state->r);
}

// Eight numbers at once

struct eight {
	__m512i limb[limbs];
};

// The blocks that the lanes hold, as `load_blocks` leaves them.
static const int block_of_lane[lanes] = {0, 4, 1, 5, 2, 6, 3, 7};

WITH_IFMA INLINE struct eight load_blocks(const unsigned char *in)
{
	const __m512i mask = _mm512_set1_epi64((long long)limb_mask), whole = _mm512_set1_epi64(1LL << 40);
	__m512i first = _mm512_loadu_si512(in), second = _mm512_loadu_si512(in + 64);
	__m512i low = _mm512_unpacklo_epi64(first, second), high = _mm512_unpackhi_epi64(first, second);
	struct eight m;
	m.limb[0] = _mm512_and_si512(low, mask);
	m.limb[1] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(low, 44), _mm512_slli_epi64(high, 20)), mask);
	m.limb[2] = _mm512_or_si512(_mm512_srli_epi64(high, 24), whole);
	return m;
}

WITH_IFMA INLINE struct eight add(struct eight a, struct eight b)
{
	UNROLLED for (int i = 0; i < limbs; i++)
		a.limb[i] = _mm512_add_epi64(a.limb[i], b.limb[i]);
	return a;
}

WITH_IFMA INLINE __m512i times20(__m512i a)
{
	return _mm512_add_epi64(_mm512_slli_epi64(a, 4), _mm512_slli_epi64(a, 2));
}

// What is multiplied by: its limbs, and 20 times the upper ones.
struct factor {
	__m512i limb[limbs], twenty[limbs];
};

WITH_IFMA INLINE struct factor factor(const __m512i limb[limbs])
{
	struct factor b;
	UNROLLED for (int i = 0; i < limbs; i++) {
		b.limb[i] = limb[i];
		b.twenty[i] = times20(limb[i]);
	}
	return b;
}

// Limbs of 44, 44 and 42 bits but for carries of less than 14 bits into the upper two: each low limb of `sum` has at most
// 54 bits, `high` is what stands 52 bits above it and has at most 44.
WITH_IFMA INLINE struct eight reduced(const __m512i sum[limbs], const __m512i high[limbs])
{
	const __m512i mask = _mm512_set1_epi64((long long)limb_mask), top = _mm512_set1_epi64((long long)top_mask);
	__m512i d0 = sum[0];
	__m512i d1 = _mm512_add_epi64(sum[1], _mm512_slli_epi64(high[0], 8));
	__m512i d2 = _mm512_add_epi64(sum[2], _mm512_slli_epi64(high[1], 8));
	__m512i over = _mm512_add_epi64(_mm512_srli_epi64(d2, 42), _mm512_slli_epi64(high[2], 10));
	struct eight h;
	h.limb[2] = _mm512_add_epi64(_mm512_and_si512(d2, top), _mm512_srli_epi64(d1, 44));
	h.limb[1] = _mm512_add_epi64(_mm512_and_si512(d1, mask), _mm512_srli_epi64(d0, 44));
	h.limb[0] = _mm512_add_epi64(_mm512_and_si512(d0, mask), _mm512_add_epi64(over, _mm512_slli_epi64(over, 2)));
	h.limb[1] = _mm512_add_epi64(h.limb[1], _mm512_srli_epi64(h.limb[0], 44));
	h.limb[0] = _mm512_and_si512(h.limb[0], mask);
	return h;
}

WITH_IFMA INLINE struct eight product(struct eight a, const struct factor *b)
{
	const __m512i *const factors[limbs][limbs] = {
		{&b->limb[0], &b->twenty[2], &b->twenty[1]},
		{&b->limb[1], &b->limb[0], &b->twenty[2]},
		{&b->limb[2], &b->limb[1], &b->limb[0]},
	};
	__m512i sum[limbs], high[limbs];
	UNROLLED for (int i = 0; i < limbs; i++)
		sum[i] = high[i] = _mm512_setzero_si512();
	UNROLLED for (int j = 0; j < limbs; j++)
		UNROLLED for (int i = 0; i < limbs; i++) {
			sum[i] = _mm512_madd52lo_epu64(sum[i], a.limb[j], *factors[i][j]);
			high[i] = _mm512_madd52hi_epu64(high[i], a.limb[j], *factors[i][j]);
		}
	return reduced(sum, high);
}

// Not inlined: `osnova_burn_traces` reaches what lies below its caller.
static __attribute__((noinline)) void make_powers(struct state *state)
{
	word power[limbs] = {state->r[0], state->r[1], state->r[2]};
	word powers[groups * lanes][limbs];
	for (int i = 0; i < groups * lanes; i++) {
		// The last block lacks r itself, the first r^16.
		__builtin_memcpy(powers[groups * lanes - 1 - i], power, sizeof power);
		if (i < groups * lanes - 1)
			multiply(power, state->r);
	}
	__builtin_memcpy(state->step, power, sizeof power);
	for (int group = 0; group < groups; group++)
		for (int limb = 0; limb < limbs; limb++)
			for (int lane = 0; lane < lanes; lane++)
				state->last_powers[group][limb][lane] = powers[group * lanes + block_of_lane[lane]][limb];
	state->has_powers = 1;
}

// Takes in `runs` times sixteen blocks.
WITH_IFMA static void absorb_runs(struct state *state, const unsigned char *in, unsigned long runs)
{
	__m512i limb[limbs];
	UNROLLED for (int i = 0; i < limbs; i++)
		limb[i] = _mm512_set1_epi64((long long)state->step[i]);
	const struct factor step = factor(limb);
	struct eight sums[groups];
	UNROLLED for (int group = 0; group < groups; group++)
		sums[group] = load_blocks(in + group * block * lanes);
	// What came before belongs to the first block.
	UNROLLED for (int i = 0; i < limbs; i++)
		sums[0].limb[i] = _mm512_mask_add_epi64(sums[0].limb[i], 1, sums[0].limb[i],
		                                        _mm512_set1_epi64((long long)state->h[i]));
	while (--runs) {
		in += run;
		UNROLLED for (int group = 0; group < groups; group++)
			sums[group] = add(product(sums[group], &step), load_blocks(in + group * block * lanes));
	}
	UNROLLED for (int group = 0; group < groups; group++) {
		UNROLLED for (int i = 0; i < limbs; i++)
			limb[i] = _mm512_loadu_si512(state->last_powers[group][i]);
		const struct factor last = factor(limb);
		sums[group] = product(sums[group], &last);
	}
	struct eight total = add(sums[0], sums[1]);
	UNROLLED for (int i = 0; i < limbs; i++)
		state->h[i] = (word)_mm512_reduce_add_epi64(total.limb[i]);
	carry(state->h);
}

// A message

void osnova_poly1305_start(void *memory, const unsigned char key[32])
{
	struct state *state = memory;
	// RFC 8439, 2.5: "clamp".
	split(load(key) & 0x0ffffffc0fffffff, load(key + 8) & 0x0ffffffc0ffffffc, state->r);
	state->h[0] = state->h[1] = state->h[2] = 0;
	state->pad[0] = load(key + 16);
	state->pad[1] = load(key + 24);
	state->has_powers = 0;
	state->held = 0;
}

void osnova_poly1305_update(void *memory, const unsigned char *in, unsigned long count)
{
	struct state *state = memory;
	if (state->held) {
		unsigned long taken = block - state->held < count ? block - state->held : count;
		__builtin_memcpy(state->partial + state->held, in, taken);
		state->held += taken, in += taken, count -= taken;
		if (state->held < block)
			return;
		absorb(state, state->partial, 1);
		state->held = 0;
	}
	if (count >= shortest_wide) {
		if (!state->has_powers)
			make_powers(state);
		absorb_runs(state, in, count / run);
		in += count / run * run, count %= run;
		osnova_burn_traces();
	}
	for (; count >= block; in += block, count -= block)
		absorb(state, in, 1);
	if (count)
		__builtin_memcpy(state->partial, in, count);
	state->held = (unsigned)count;
}

void osnova_poly1305_finish(void *memory, unsigned char tag[16])
{
	struct state *state = memory;
	if (state->held) {
		// RFC 8439, 2.5: a block that is not whole has its bit after its last byte.
		state->partial[state->held] = 1;
		__builtin_memset(state->partial + state->held + 1, 0, block - 1 - state->held);
		absorb(state, state->partial, 0);
	}
	word *h = state->h;
	carry(h);
	h[2] += h[1] >> 44, h[1] &= limb_mask;
	// h < 2^130 + 2^88 by now: once more for what stands above 130 bits, then p is subtracted where h is not below it.
	h[0] += 5 * (h[2] >> 42), h[2] &= top_mask;
	h[1] += h[0] >> 44, h[0] &= limb_mask;
	word g[limbs] = {h[0] + 5, h[1], h[2]};
	g[1] += g[0] >> 44, g[0] &= limb_mask;
	g[2] += g[1] >> 44, g[1] &= limb_mask;
	const word is_above = 0 - (g[2] >> 42);
	for (int i = 0; i < limbs; i++)
		h[i] ^= (h[i] ^ g[i]) & is_above;
	h[2] &= top_mask;
	const wide_word low = (wide_word)(h[0] | h[1] << 44) + state->pad[0];
	const word words[2] = {(word)low, (h[1] >> 20 | h[2] << 24) + state->pad[1] + (word)(low >> 64)};
	__builtin_memcpy(tag, words, sizeof words);
	osnova_burn_traces();
}

#else

int osnova_poly1305_is_possible(void) { return 0; }
void osnova_poly1305_start(void *state, const unsigned char key[32]) { (void)state, (void)key; }
void osnova_poly1305_update(void *state, const unsigned char *in, unsigned long count)
{
	(void)state, (void)in, (void)count;
}
void osnova_poly1305_finish(void *state, unsigned char tag[16]) { (void)state, (void)tag; }

#endif
