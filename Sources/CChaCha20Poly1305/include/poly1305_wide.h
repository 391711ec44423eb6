// Poly1305 (RFC 8439, 2.5) on processors that multiply 52-bit integers in vectors (AVX-512 IFMA).
//
// Without <stdint.h>, which would make this module the owner of types that Swift has from Glibc.
#pragma once

// Bytes of a message's state, which holds its one-time key.
enum { osnova_poly1305_state_size = 512 };

// Whether this processor can; the functions below may be called only where it can.
int osnova_poly1305_is_possible(void);

// Starts a message. `state` is aligned to 8 bytes.
void osnova_poly1305_start(void *state, const unsigned char key[32]);

// Takes in more of the message.
void osnova_poly1305_update(void *state, const unsigned char *in, unsigned long count);

// The tag of everything taken in; the state must be started anew for the next message.
void osnova_poly1305_finish(void *state, unsigned char tag[16]);
