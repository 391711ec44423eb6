// libsodium: guarded memory, randomness, constant-time comparison.
#pragma once

#include <sodium.h>
