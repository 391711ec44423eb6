// A round of SHA-256 waits for the one before it, so one message leaves half of the processor's hash unit idle; further
// messages fill it. Everything else about SHA-256 is libcrypto's: this is its block function for several states.
//
// SHA256RNDS2 works on the state as the words ABEF and CDGH (Intel SDM, volume 2).
#include "sha256_lanes.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))
#define UNROLLED _Pragma("clang loop unroll(full)")

// FIPS 180-4, 4.2.2.
static const unsigned constants[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

struct lane {
	__m128i abef, cdgh;
	// The last sixteen words of the message schedule, four by four.
	__m128i words[4];
};

WITH_SHA static inline void load_state(struct lane *lane, const unsigned state[8])
{
	__m128i abcd = _mm_loadu_si128((const __m128i *)state), efgh = _mm_loadu_si128((const __m128i *)(state + 4));
	__m128i cdab = _mm_shuffle_epi32(abcd, 0xb1), hgfe = _mm_shuffle_epi32(efgh, 0x1b);
	lane->abef = _mm_alignr_epi8(cdab, hgfe, 8);
	lane->cdgh = _mm_blend_epi16(hgfe, cdab, 0xf0);
}

WITH_SHA static inline void store_state(unsigned state[8], const struct lane *lane)
{
	__m128i feba = _mm_shuffle_epi32(lane->abef, 0x1b), dchg = _mm_shuffle_epi32(lane->cdgh, 0xb1);
	_mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

WITH_SHA static inline void load_block(struct lane *lane, const unsigned char *block)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	for (int i = 0; i < 4; i++)
		lane->words[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), big_endian);
}

// The next four words of the message schedule, in the place of the oldest.
WITH_SHA static inline void schedule(struct lane *lane, int group)
{
	__m128i *words = lane->words;
	__m128i next = _mm_sha256msg1_epu32(words[group & 3], words[(group + 1) & 3]);
	next = _mm_add_epi32(next, _mm_alignr_epi8(words[(group + 3) & 3], words[(group + 2) & 3], 4));
	words[group & 3] = _mm_sha256msg2_epu32(next, words[(group + 3) & 3]);
}

// `count` is a constant at each call, so that the lanes become registers.
WITH_SHA static inline __attribute__((always_inline)) void add_block(struct lane *lanes, const int count,
                                                                     const unsigned char *const blocks[],
                                                                     unsigned long offset)
{
	struct lane before[osnova_sha256_most_lanes];
	UNROLLED for (int i = 0; i < count; i++) {
		before[i] = lanes[i];
		load_block(lanes + i, blocks[i] + offset);
	}
	// Four rounds a group.
	UNROLLED for (int group = 0; group < 16; group++) {
		const __m128i k = _mm_load_si128((const __m128i *)(constants + 4 * group));
		__m128i keys[osnova_sha256_most_lanes];
		UNROLLED for (int i = 0; i < count; i++) {
			keys[i] = _mm_add_epi32(lanes[i].words[group & 3], k);
			lanes[i].cdgh = _mm_sha256rnds2_epu32(lanes[i].cdgh, lanes[i].abef, keys[i]);
		}
		UNROLLED for (int i = 0; i < count; i++)
			lanes[i].abef = _mm_sha256rnds2_epu32(lanes[i].abef, lanes[i].cdgh, _mm_shuffle_epi32(keys[i], 0x0e));
		if (group < 12)
			UNROLLED for (int i = 0; i < count; i++)
				schedule(lanes + i, group);
	}
	UNROLLED for (int i = 0; i < count; i++) {
		lanes[i].abef = _mm_add_epi32(lanes[i].abef, before[i].abef);
		lanes[i].cdgh = _mm_add_epi32(lanes[i].cdgh, before[i].cdgh);
	}
}

WITH_SHA static inline __attribute__((always_inline)) void add_blocks(unsigned *const states[], const int lanes,
                                                                      const unsigned char *const blocks[],
                                                                      unsigned long count)
{
	struct lane all[osnova_sha256_most_lanes];
	for (int i = 0; i < lanes; i++)
		load_state(all + i, states[i]);
	for (unsigned long block = 0; block < count; block++)
		add_block(all, lanes, blocks, 64 * block);
	for (int i = 0; i < lanes; i++)
		store_state(states[i], all + i);
}

WITH_SHA void osnova_sha256_lanes(unsigned *const states[], const unsigned char *const blocks[], int lanes,
                                  unsigned long count)
{
	switch (lanes) {
	case 2: add_blocks(states, 2, blocks, count); break;
	case 3: add_blocks(states, 3, blocks, count); break;
	}
}

int osnova_sha256_has_lanes(void)
{
	unsigned a, b, c, d;
	const unsigned ssse3 = 1u << 9, sse41 = 1u << 19, sha = 1u << 29;
	if (!__get_cpuid(1, &a, &b, &c, &d) || (c & (ssse3 | sse41)) != (ssse3 | sse41))
		return 0;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & sha);
}

#else

int osnova_sha256_has_lanes(void)
{
	return 0;
}

void osnova_sha256_lanes(unsigned *const states[], const unsigned char *const blocks[], int lanes, unsigned long count)
{
	(void)states, (void)blocks, (void)lanes, (void)count;
}

#endif
