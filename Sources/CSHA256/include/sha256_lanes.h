// Several SHA-256 messages (FIPS 180-4) at once, on processors that have the SHA extensions.
//
// Without <stdint.h>, which would make this module the owner of types that Swift has from Glibc.
#pragma once

// Messages at once, at most.
enum { osnova_sha256_most_lanes = 3 };

// Whether this processor can.
int osnova_sha256_has_lanes(void);

// Takes `count` blocks of 64 bytes of each of `lanes` messages, 2…most, into its state: the eight words H0…H7.
// Only where osnova_sha256_has_lanes() says so.
void osnova_sha256_lanes(unsigned *const states[], const unsigned char *const blocks[], int lanes, unsigned long count);
