// Files and directories by descriptor. Paths below a root or store are (directory, relative path)
// and go through open_beneath or open_in_root, never through a string that was checked before.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

namespace proa::file {

// Opens with O_CLOEXEC. `flags` and `mode` as in open(2).
Result<Fd> open(const std::string& path, int flags, mode_t mode = 0);
Result<Fd> open_at(FdRef directory, const std::string& path, int flags, mode_t mode = 0);

// Opens without ever leaving `directory`: "..", absolute paths and links that lead out are
// refused.
//
// Spec:   openat2(2), RESOLVE_BENEATH
// Errors: permission (EXDEV: the path leads out)
Result<Fd> open_beneath(FdRef directory, const std::string& path, int flags, mode_t mode = 0);

// Opens with `root` as the root directory: absolute links and ".." resolve inside it.
//
// Spec: openat2(2), RESOLVE_IN_ROOT with RESOLVE_NO_MAGICLINKS
Result<Fd> open_in_root(FdRef root, const std::string& path, int flags, mode_t mode = 0);

// As open_in_root, but refuses every symbolic link on the way: for places that have to be what
// their name says.
//
// Errors: permission (ELOOP: a link)
Result<Fd> open_in_root_no_links(FdRef root, const std::string& path, int flags, mode_t mode = 0);

Result<struct stat> stat(FdRef fd);
// Does not follow a link at the end of `path`.
Result<struct stat> stat_at(FdRef directory, const std::string& path);
bool exists(const std::string& path);

// Reads to the end of the file.
//
// Errors: exhausted (more than `limit` bytes)
Result<std::string> read_all(FdRef fd, std::size_t limit = std::size_t{64} << 20);
Result<std::string> read_file(const std::string& path, std::size_t limit = std::size_t{64} << 20);
Result<std::string> read_file_at(FdRef directory, const std::string& path,
                                 std::size_t limit = std::size_t{64} << 20);
// Fills the front of `buffer`; gives the count, 0 at the end.
Result<std::size_t> read_some(FdRef fd, MutableByteSpan buffer);
Result<std::size_t> read_some_at(FdRef fd, MutableByteSpan buffer, std::uint64_t offset);
// Fills `buffer` from `offset`, or fails with corrupt at an early end.
Result<void> read_exact_at(FdRef fd, MutableByteSpan buffer, std::uint64_t offset);
Result<void> write_all(FdRef fd, ByteSpan content);
Result<void> write_all_at(FdRef fd, ByteSpan content, std::uint64_t offset);
// Opens an existing file and writes `content` in one write(2): for /proc, /sys and cgroups.
Result<void> write_existing(const std::string& path, std::string_view content);
Result<void> write_existing_at(FdRef directory, const std::string& path, std::string_view content);

// `content`: what is there under the name is whole after a crash, but the name may be lost until
// the directory is synced.
enum class Durable { no, content, yes };
// Replaces `path` in `directory` by a new file: temporary name, fsync unless not durable, rename,
// and fsync of the directory where the name is durable too.
Result<void> replace_file(FdRef directory, const std::string& path, std::string_view content,
                          mode_t mode, Durable durable);

Result<void> make_directory(FdRef directory, const std::string& path, mode_t mode);
// Makes every missing parent too; an existing directory is no error.
Result<void> make_directories(const std::string& path, mode_t mode);
// The names in a directory, without "." and "..", sorted.
Result<std::vector<std::string>> list(FdRef directory);
Result<std::string> read_link_at(FdRef directory, const std::string& path);
Result<void> rename_at(FdRef from_directory, const std::string& from, FdRef to_directory,
                       const std::string& to);
Result<void> unlink_at(FdRef directory, const std::string& path);
Result<void> remove_directory_at(FdRef directory, const std::string& path);
// Removes a file or a whole tree without following links or crossing into another file system;
// what is not there is no error.
Result<void> remove_tree(FdRef directory, const std::string& path);
// Whether two files hold the same bytes. Holes read as zeros.
Result<bool> same_content(FdRef left, FdRef right);
// Has the kernel start writing what is not on the disk yet, without waiting: a later sync is short.
void start_writeback(FdRef fd);
Result<void> sync(FdRef fd);
// As sync() of each file. Their data is written first: where they share a journal, as on ext4, one
// commit then does for all of them.
Result<void> sync_all(const std::vector<FdRef>& files);
Result<void> sync_data(FdRef fd);

}  // namespace proa::file
