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

static inline long long osnova_nanoseconds(const struct statx_timestamp *time)
{
	return (long long)((unsigned long long)time->tv_sec * 1000000000ull + time->tv_nsec);
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
