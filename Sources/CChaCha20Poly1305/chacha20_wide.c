// Each step of ChaCha20 waits for the one before it, and sixteen blocks in the sixteen words of a state, one block a lane,
// leave half of a processor's vector units idle. Two such groups are all that 32 registers hold, and fill them.
#include "chacha20_wide.h"

#if defined(__x86_64__)

#include "burn_traces.h"

#include <immintrin.h>

#define WITH_AVX512 __attribute__((target("avx512f")))
#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

enum { words = 16, lanes = 16, groups = 2, block = 64 };

// RFC 8439, 2.3: "expand 32-byte k".
static const unsigned constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

// The word that all blocks begin with, in each lane; the counter differs.
WITH_AVX512 INLINE __m512i initial(int word, int group, const unsigned char *key, const unsigned char *nonce,
                                   unsigned counter)
{
	if (word < 4)
		return _mm512_set1_epi32((int)constants[word]);
	int value;
	if (word == 12) {
		const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
		return _mm512_add_epi32(_mm512_set1_epi32((int)(counter + lanes * (unsigned)group)), lane);
	}
	__builtin_memcpy(&value, word < 12 ? key + 4 * (word - 4) : nonce + 4 * (word - 13), sizeof value);
	return _mm512_set1_epi32(value);
}

// a += b; d = (d ^ a) <<< bits, in four columns or diagonals of both groups.
WITH_AVX512 INLINE void step(__m512i state[groups][words], const int a[4], const int b[4], const int d[4],
                             const int bits)
{
	UNROLLED for (int group = 0; group < groups; group++)
		UNROLLED for (int i = 0; i < 4; i++)
			state[group][a[i]] = _mm512_add_epi32(state[group][a[i]], state[group][b[i]]);
	UNROLLED for (int group = 0; group < groups; group++)
		UNROLLED for (int i = 0; i < 4; i++) {
			__m512i mixed = _mm512_xor_si512(state[group][d[i]], state[group][a[i]]);
			state[group][d[i]] = bits == 16 ? _mm512_rol_epi32(mixed, 16)
			                   : bits == 12 ? _mm512_rol_epi32(mixed, 12)
			                   : bits == 8  ? _mm512_rol_epi32(mixed, 8)
			                                : _mm512_rol_epi32(mixed, 7);
		}
}

// Four quarter rounds, which are independent (RFC 8439, 2.1).
WITH_AVX512 INLINE void quarter_rounds(__m512i state[groups][words], const int a[4], const int b[4], const int c[4],
                                       const int d[4])
{
	step(state, a, b, d, 16);
	step(state, c, d, b, 12);
	step(state, a, b, d, 8);
	step(state, c, d, b, 7);
}

// Combines 1 KiB with a group's keystream: word `w` of block `i` is lane `i` of `state[w]`.
WITH_AVX512 INLINE void combine(const __m512i state[words], const unsigned char *in, unsigned char *out)
{
	// Four words of one block in each quarter of a register: of the words 4 r + …, the blocks j, 4 + j, 8 + j, 12 + j.
	__m512i quads[4][4];
	UNROLLED for (int r = 0; r < 4; r++) {
		const __m512i *row = state + 4 * r;
		__m512i low01 = _mm512_unpacklo_epi32(row[0], row[1]), high01 = _mm512_unpackhi_epi32(row[0], row[1]);
		__m512i low23 = _mm512_unpacklo_epi32(row[2], row[3]), high23 = _mm512_unpackhi_epi32(row[2], row[3]);
		quads[r][0] = _mm512_unpacklo_epi64(low01, low23);
		quads[r][1] = _mm512_unpackhi_epi64(low01, low23);
		quads[r][2] = _mm512_unpacklo_epi64(high01, high23);
		quads[r][3] = _mm512_unpackhi_epi64(high01, high23);
	}
	UNROLLED for (int j = 0; j < 4; j++) {
		__m512i even01 = _mm512_shuffle_i32x4(quads[0][j], quads[1][j], 0x88);
		__m512i odd01 = _mm512_shuffle_i32x4(quads[0][j], quads[1][j], 0xdd);
		__m512i even23 = _mm512_shuffle_i32x4(quads[2][j], quads[3][j], 0x88);
		__m512i odd23 = _mm512_shuffle_i32x4(quads[2][j], quads[3][j], 0xdd);
		const __m512i keystream[4] = {
			_mm512_shuffle_i32x4(even01, even23, 0x88), _mm512_shuffle_i32x4(odd01, odd23, 0x88),
			_mm512_shuffle_i32x4(even01, even23, 0xdd), _mm512_shuffle_i32x4(odd01, odd23, 0xdd),
		};
		UNROLLED for (int i = 0; i < 4; i++) {
			const int offset = block * (4 * i + j);
			_mm512_storeu_si512(out + offset, _mm512_xor_si512(keystream[i], _mm512_loadu_si512(in + offset)));
		}
	}
}

WITH_AVX512 static void xor_runs(const unsigned char *key, const unsigned char *nonce, unsigned counter,
                                 const unsigned char *in, unsigned char *out, unsigned long runs)
{
	static const int first[4] = {0, 1, 2, 3}, second[4] = {4, 5, 6, 7}, third[4] = {8, 9, 10, 11},
	                 fourth[4] = {12, 13, 14, 15};
	static const int second_diagonal[4] = {5, 6, 7, 4}, third_diagonal[4] = {10, 11, 8, 9},
	                 fourth_diagonal[4] = {15, 12, 13, 14};
	for (; runs; runs--, counter += groups * lanes, in += osnova_chacha20_run, out += osnova_chacha20_run) {
		__m512i state[groups][words];
		UNROLLED for (int group = 0; group < groups; group++)
			UNROLLED for (int word = 0; word < words; word++)
				state[group][word] = initial(word, group, key, nonce, counter);
		for (int round = 0; round < 10; round++) {
			quarter_rounds(state, first, second, third, fourth);
			quarter_rounds(state, first, second_diagonal, third_diagonal, fourth_diagonal);
		}
		UNROLLED for (int group = 0; group < groups; group++) {
			UNROLLED for (int word = 0; word < words; word++)
				state[group][word] = _mm512_add_epi32(state[group][word], initial(word, group, key, nonce, counter));
			combine(state[group], in + group * block * lanes, out + group * block * lanes);
		}
	}
}

unsigned long osnova_chacha20_xor(const unsigned char key[32], const unsigned char nonce[12], unsigned counter,
                                  const unsigned char *in, unsigned char *out, unsigned long count)
{
	unsigned long runs = count / osnova_chacha20_run;
	if (!runs || !__builtin_cpu_supports("avx512f"))
		return 0;
	xor_runs(key, nonce, counter, in, out, runs);
	osnova_burn_traces();
	return runs * osnova_chacha20_run;
}

#else

unsigned long osnova_chacha20_xor(const unsigned char key[32], const unsigned char nonce[12], unsigned counter,
                                  const unsigned char *in, unsigned char *out, unsigned long count)
{
	(void)key, (void)nonce, (void)counter, (void)in, (void)out, (void)count;
	return 0;
}

#endif
