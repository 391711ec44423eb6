// What a function that worked with keys may leave behind on the stack.
#pragma once

#include <immintrin.h>

// Overwrites what the function before it left there.
static __attribute__((noinline)) void burn_stack(void)
{
	volatile __m128i used[256];
	for (int i = 0; i < 256; i++)
		used[i] = _mm_setzero_si128();
}
