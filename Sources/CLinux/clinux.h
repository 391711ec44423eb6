// Calls of Linux that glibc hides behind _GNU_SOURCE, which Swift's Glibc module does not define.
#pragma once

#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int osnova_syncfs(int descriptor)
{
	return (int)syscall(SYS_syncfs, descriptor);
}

// renameat2 with RENAME_NOREPLACE.
static inline int osnova_rename_keeping(int directory, const char *old_name, int new_directory, const char *new_name)
{
	return (int)syscall(SYS_renameat2, directory, old_name, new_directory, new_name, 1);
}

// renameat2 with RENAME_EXCHANGE: both names exist before and after.
static inline int osnova_rename_exchange(int directory, const char *one_name, const char *other_name)
{
	return (int)syscall(SYS_renameat2, directory, one_name, directory, other_name, 2);
}

// close_range(2): every descriptor from `first` on.
static inline int osnova_close_from(unsigned first)
{
	return (int)syscall(SYS_close_range, first, ~0u, 0);
}

// The name that ps shows of the calling thread; of the process, if it is its first thread.
static inline int osnova_set_name(const char *name)
{
	return prctl(PR_SET_NAME, name);
}
