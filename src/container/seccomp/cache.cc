#include "container/seccomp/cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <tuple>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/seccomp/seccomp.h"

namespace proa::container::seccomp {
namespace {

using oci::runtime::Seccomp;

constexpr char kMagic[8] = {'P', 'R', 'O', 'A', 'S', 'C', 'F', '1'};

struct EntryHeader {
  char magic[8];
  Le32 key_size;
  Le32 instruction_count;
  std::array<std::byte, 32> digest;  // SHA-256 of the program
};
static_assert(sizeof(EntryHeader) == 48);

constexpr std::size_t kMostEntryBytes = std::size_t{4} << 20;

ByteSpan bytes_of_program(const std::vector<sock_filter>& program) {
  return std::as_bytes(std::span(program));
}

// Opens the directory where only we (or root) can put entries into it.
std::optional<Fd> open_cache(const std::string& directory) {
  Result<Fd> fd = file::open(directory, O_RDONLY | O_DIRECTORY);
  if (!fd.ok() && fd.error().kind() == ErrorKind::not_found) {
    if (!file::make_directories(directory, 0700).ok()) return std::nullopt;
    fd = file::open(directory, O_RDONLY | O_DIRECTORY);
  }
  if (!fd.ok()) return std::nullopt;
  const Result<struct stat> status = file::stat(fd.value());
  if (!status.ok()) return std::nullopt;
  const struct stat& found = status.value();
  const bool ours = found.st_uid == ::geteuid() && (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  return ours ? std::optional(fd.take()) : std::nullopt;
}

// Makes room for one more entry. Names are digests, so none tells its age: the file's time does.
void make_room(FdRef directory) {
  const Result<std::vector<std::string>> names = file::list(directory);
  if (!names.ok() || names.value().size() < kMostCacheEntries) return;
  std::string oldest;
  timespec oldest_time = {};
  for (const std::string& name : names.value()) {
    const Result<struct stat> status = file::stat_at(directory, name);
    if (!status.ok()) continue;
    const timespec time = status.value().st_mtim;
    const bool older =
        std::tie(time.tv_sec, time.tv_nsec) < std::tie(oldest_time.tv_sec, oldest_time.tv_nsec);
    if (!oldest.empty() && !older) continue;
    oldest = name;
    oldest_time = time;
  }
  if (oldest.empty()) return;
  discard(file::unlink_at(directory, oldest), "another process may have removed it");
}

std::string key_for(const Seccomp& profile, std::string_view release, std::string_view machine) {
  return cat("libseccomp ", compiler_version(), "\nkernel ", release, " ", machine, "\n",
             json::print(to_json(profile)));
}

}  // namespace

std::string cache_key(const Seccomp& profile) {
  // libseccomp asks the kernel what it knows, so the kernel is part of it.
  struct utsname kernel = {};
  ::uname(&kernel);
  return key_for(profile, kernel.release, kernel.machine);
}

Result<Entry> entry_for_guest(const Seccomp& profile, const std::string& directory,
                              const std::string& release) {
  struct utsname kernel = {};
  ::uname(&kernel);
  const Filter filter = TRY(compile_cached(profile, directory));
  const std::string key = key_for(profile, release, kernel.machine);
  return Entry{Digest::of(key).hex(), encode_entry(key, filter.program)};
}

std::string encode_entry(std::string_view key, const std::vector<sock_filter>& program) {
  EntryHeader header = {};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.key_size = static_cast<std::uint32_t>(key.size());
  header.instruction_count = static_cast<std::uint32_t>(program.size());
  header.digest = Digest::of(bytes_of_program(program)).bytes();
  return cat(text_of(bytes_of(header)), key, text_of(bytes_of_program(program)));
}

Result<std::vector<sock_filter>> decode_entry(std::string_view entry, std::string_view key) {
  const auto corrupt = [](std::string_view what) {
    return fail(ErrorKind::corrupt, "seccomp cache entry: ", what);
  };
  if (entry.size() < sizeof(EntryHeader)) return corrupt("too short");
  const auto header = copy_from<EntryHeader>(bytes_of(entry.substr(0, sizeof(EntryHeader))));
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) return corrupt("another format");
  const std::uint64_t program_bytes =
      std::uint64_t{header.instruction_count.get()} * sizeof(sock_filter);
  if (entry.size() != sizeof(EntryHeader) + header.key_size.get() + program_bytes) {
    return corrupt("its size is not what it says");
  }
  entry.remove_prefix(sizeof(EntryHeader));
  if (entry.substr(0, header.key_size) != key) return corrupt("made for another profile");
  entry.remove_prefix(header.key_size);
  if (Digest::of(entry).bytes() != header.digest) return corrupt("its program is damaged");
  std::vector<sock_filter> program(header.instruction_count);
  if (!program.empty()) std::memcpy(program.data(), entry.data(), entry.size());
  TRY(proa::seccomp::check(program), "seccomp cache entry");
  return program;
}

Result<Filter> compile_cached(const Seccomp& profile, const std::string& directory) {
  const std::optional<Fd> cache = open_cache(directory);
  if (!cache) return compile(profile);
  const std::string key = cache_key(profile);
  const std::string name = Digest::of(key).hex();
  const Result<std::string> entry = file::read_file_at(*cache, name, kMostEntryBytes);
  if (entry.ok()) {
    Result<std::vector<sock_filter>> program = decode_entry(entry.value(), key);
    if (program.ok()) {
      Filter filter{.program = program.take()};
      filter.flags = TRY(load_flags(profile));
      return filter;
    }
  }
  Filter filter = TRY(compile(profile));
  make_room(*cache);
  discard(
      file::replace_file(*cache, name, encode_entry(key, filter.program), 0600, file::Durable::no),
      "without an entry the next start compiles again");
  return filter;
}

}  // namespace proa::container::seccomp
