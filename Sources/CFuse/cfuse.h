// libfuse 3, low-level API, as Swift can import it.
#pragma once

// The version of the API that Debian 12 ships (libfuse 3.14).
// `_FILE_OFFSET_BITS` stays undefined: off_t has 64 bits anyway on the machines that Swift knows, and defining it here
// alone would give `struct flock` another definition than Swift's Glibc module has.
#define FUSE_USE_VERSION 314

#include <fuse_log.h>
#include <fuse_lowlevel.h>
#include <fuse_opt.h>

// With some builds of libfuse `fuse_session_loop_mt` is a macro that picks a symbol version, which Swift cannot import.
static inline int osnova_session_loop_mt(struct fuse_session *session, struct fuse_loop_config *config)
{
	return fuse_session_loop_mt(session, config);
}
