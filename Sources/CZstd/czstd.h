// libzstd: frames of Zstandard, compressed and decompressed in one call each; the stable part of its interface alone.
#pragma once

#include <zstd.h>
