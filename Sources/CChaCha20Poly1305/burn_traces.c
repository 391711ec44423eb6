#include "burn_traces.h"

typedef long pair __attribute__((vector_size(16)));

#if defined(__x86_64__)

// The registers that every x86-64 has; beyond 15, nothing else uses them meanwhile.
#define REGISTERS                                                                                                          \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
		"xmm14", "xmm15"

__attribute__((target("avx512f"))) static void clear_avx512(void)
{
	__asm__ volatile("vzeroall\n"
	                 "vpxorq %%zmm16, %%zmm16, %%zmm16\n vpxorq %%zmm17, %%zmm17, %%zmm17\n"
	                 "vpxorq %%zmm18, %%zmm18, %%zmm18\n vpxorq %%zmm19, %%zmm19, %%zmm19\n"
	                 "vpxorq %%zmm20, %%zmm20, %%zmm20\n vpxorq %%zmm21, %%zmm21, %%zmm21\n"
	                 "vpxorq %%zmm22, %%zmm22, %%zmm22\n vpxorq %%zmm23, %%zmm23, %%zmm23\n"
	                 "vpxorq %%zmm24, %%zmm24, %%zmm24\n vpxorq %%zmm25, %%zmm25, %%zmm25\n"
	                 "vpxorq %%zmm26, %%zmm26, %%zmm26\n vpxorq %%zmm27, %%zmm27, %%zmm27\n"
	                 "vpxorq %%zmm28, %%zmm28, %%zmm28\n vpxorq %%zmm29, %%zmm29, %%zmm29\n"
	                 "vpxorq %%zmm30, %%zmm30, %%zmm30\n vpxorq %%zmm31, %%zmm31, %%zmm31\n" ::: REGISTERS);
}

__attribute__((target("avx"))) static void clear_avx(void)
{
	__asm__ volatile("vzeroall" ::: REGISTERS);
}

static void clear_sse(void)
{
	__asm__ volatile("pxor %%xmm0, %%xmm0\n pxor %%xmm1, %%xmm1\n pxor %%xmm2, %%xmm2\n pxor %%xmm3, %%xmm3\n"
	                 "pxor %%xmm4, %%xmm4\n pxor %%xmm5, %%xmm5\n pxor %%xmm6, %%xmm6\n pxor %%xmm7, %%xmm7\n"
	                 "pxor %%xmm8, %%xmm8\n pxor %%xmm9, %%xmm9\n pxor %%xmm10, %%xmm10\n pxor %%xmm11, %%xmm11\n"
	                 "pxor %%xmm12, %%xmm12\n pxor %%xmm13, %%xmm13\n pxor %%xmm14, %%xmm14\n"
	                 "pxor %%xmm15, %%xmm15\n" ::: REGISTERS);
}

static void clear_registers(void)
{
	if (__builtin_cpu_supports("avx512f"))
		clear_avx512();
	else if (__builtin_cpu_supports("avx"))
		clear_avx();
	else
		clear_sse();
}

#else

// Not known which registers the dynamic linker saves here.
static void clear_registers(void) {}

#endif

__attribute__((noinline)) void osnova_burn_traces(void)
{
	volatile pair used[256];
	for (int i = 0; i < 256; i++)
		used[i] = (pair){0, 0};
	clear_registers();
}
