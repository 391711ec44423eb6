// Calls of Linux that glibc hides behind _GNU_SOURCE, which Swift's Glibc module does not define.
#pragma once

#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int osnova_syncfs(int descriptor)
{
	return (int)syscall(SYS_syncfs, descriptor);
}

// renameat2 with RENAME_NOREPLACE.
static inline int osnova_rename_keeping(int directory, const char *old_name, const char *new_name)
{
	return (int)syscall(SYS_renameat2, directory, old_name, directory, new_name, 1);
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

// From now on no core dump, no ptrace and no /proc/PID/mem by other processes of the same user.
static inline int osnova_forbid_dumps(void)
{
	const struct rlimit none = {0, 0};
	return setrlimit(RLIMIT_CORE, &none) | prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// As much memory locked against swapping as the system allows this process.
static inline int osnova_raise_locked_memory(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return -1;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_MEMLOCK, &limit);
}

// A descriptor that becomes readable when one of the signals waits.
static inline int osnova_signal_descriptor(const sigset_t *signals)
{
	return signalfd(-1, signals, SFD_CLOEXEC);
}
