// ChaCha20 (RFC 8439, 2.4) over long runs, on processors that have AVX-512.
//
// Without <stdint.h>, which would make this module the owner of types that Swift has from Glibc.
#pragma once

// Bytes that are taken at once.
enum { osnova_chacha20_run = 2048 };

// Combines the first bytes of `in` with the keystream from block `counter` on; how many, the caller does the rest: as
// many whole runs as `count` has, or none where this processor cannot. `in` and `out` may be the same memory.
unsigned long osnova_chacha20_xor(const unsigned char key[32], const unsigned char nonce[12], unsigned counter,
                                  const unsigned char *in, unsigned char *out, unsigned long count);
