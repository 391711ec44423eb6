// Calls of Linux that glibc hides behind _GNU_SOURCE, which Swift's Glibc module does not define.
#pragma once

#include <linux/openat2.h>
#include <linux/stat.h>
#include <stddef.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int osnova_syncfs(int descriptor)
{
	return (int)syscall(SYS_syncfs, descriptor);
}

// sync_file_range(2) with SYNC_FILE_RANGE_WRITE: starts writing and does not wait.
static inline int osnova_start_writing(int descriptor, long long offset, long long count)
{
	return (int)syscall(SYS_sync_file_range, descriptor, offset, count, 2);
}

// ioctl_ficlone(2), by its number: <linux/fs.h> would bring types that Swift has from Glibc.
static inline int osnova_clone(int target, int source)
{
	const unsigned long clone = 0x40049409;
	return (int)syscall(SYS_ioctl, target, clone, source);
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

// pidfd_open(2): a descriptor, closed on exec, that becomes readable when the process ends.
static inline int osnova_open_process(int process)
{
	return (int)syscall(SYS_pidfd_open, process, 0);
}

// The name that ps shows of the calling thread; of the process, if it is its first thread.
static inline int osnova_set_name(const char *name)
{
	return prctl(PR_SET_NAME, name);
}

// From now on the calling thread gets the processor and the disk when nobody else wants them: nice 19, and the idle class
// of ioprio_set(2), which disks without an I/O scheduler do not know.
static inline int osnova_yield_to_others(void)
{
	const int which_thread = 1, idle_class = 3 << 13, prio_process = 0;
	return (int)syscall(SYS_setpriority, prio_process, 0, 19) | (int)syscall(SYS_ioprio_set, which_thread, 0, idle_class);
}

// Below, kernel calls by number: the headers that declare them (sys/resource.h, signal.h) would make this module the owner
// of types that Swift has from Glibc.

// The type of the disk behind a descriptor, a *_SUPER_MAGIC of <linux/magic.h>, as fstatfs(2) has it first; -1 on failure.
static inline long osnova_disk_type(int descriptor)
{
	long disk[64];
	return syscall(SYS_fstatfs, descriptor, disk) == 0 ? disk[0] : -1;
}

// getxattr(2).
static inline long osnova_get_attribute(const char *path, const char *name, void *value, size_t size)
{
	return syscall(SYS_getxattr, path, name, value, size);
}

// A limit as prlimit(2) has it.
struct osnova_limit {
	unsigned long long current;
	unsigned long long largest;
};

// From now on no core dump, no ptrace and no /proc/PID/mem by other processes of the same user.
static inline int osnova_forbid_dumps(void)
{
	const struct osnova_limit none = {0, 0};
	const int rlimit_core = 4;
	return (int)syscall(SYS_prlimit64, 0, rlimit_core, &none, NULL) | prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// As much memory locked against swapping as the system allows this process.
static inline int osnova_raise_locked_memory(void)
{
	struct osnova_limit limit;
	const int rlimit_memlock = 8;
	if (syscall(SYS_prlimit64, 0, rlimit_memlock, NULL, &limit) != 0)
		return -1;
	limit.current = limit.largest;
	return (int)syscall(SYS_prlimit64, 0, rlimit_memlock, &limit, NULL);
}

// A descriptor, closed on exec, that becomes readable when one of the signals of a sigset_t waits.
static inline int osnova_signal_descriptor(const void *signals)
{
	const int kernel_size = 8, close_on_exec = 02000000;
	return (int)syscall(SYS_signalfd4, -1, signals, kernel_size, close_on_exec);
}

// openat2(2) that never leaves the tree below `directory` and follows no link, not even in the middle of the path.
static inline int osnova_open_beneath(int directory, const char *path, unsigned long long flags)
{
	struct open_how how = {
		.flags = flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

// What statx(2) tells beyond fstat(2): times in nanoseconds, and when the file was made (0 where its disk does not say).
struct osnova_file {
	unsigned mode;
	unsigned links;
	unsigned long long size;
	unsigned long long inode;
	long long modified;
	long long changed;
	long long born;
};

// What does not fit is the earliest (1677) or the latest (2262) that does.
static inline long long osnova_nanoseconds(const struct statx_timestamp *time)
{
	long long sum;
	if (__builtin_mul_overflow(time->tv_sec, 1000000000ll, &sum) ||
	    __builtin_add_overflow(sum, (long long)time->tv_nsec, &sum))
		return time->tv_sec < 0 ? -0x7fffffffffffffffll - 1 : 0x7fffffffffffffffll;
	return sum;
}

// Of `name` in `directory` without following a link; of the open file itself for an empty name.
static inline int osnova_look(int directory, const char *name, struct osnova_file *file)
{
	struct statx found;
	// AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME
	if (syscall(SYS_statx, directory, name, 0x100 | 0x1000, 0xfff, &found) != 0)
		return -1;
	file->mode = found.stx_mode;
	file->links = found.stx_nlink;
	file->size = found.stx_size;
	file->inode = found.stx_ino;
	file->modified = osnova_nanoseconds(&found.stx_mtime);
	file->changed = osnova_nanoseconds(&found.stx_ctime);
	file->born = found.stx_mask & STATX_BTIME ? osnova_nanoseconds(&found.stx_btime) : 0;
	return 0;
}
