#include "apps/cli/archive/pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::cli {
namespace {

constexpr std::size_t kBlock = 512;

// Spec: POSIX.1-2017 pax, "ustar Interchange Format"
struct Header {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[8];
  char user[32];
  char group[32];
  char major[8];
  char minor[8];
  char prefix[155];
  char rest[12];
};
static_assert(sizeof(Header) == kBlock);

// Octal digits and a zero byte; a number that does not fit is the pax record's affair.
template <std::size_t kSize>
void put_octal(char (&field)[kSize], std::uint64_t number) {
  field[kSize - 1] = '\0';
  for (std::size_t at = kSize - 1; at-- > 0; number >>= 3) {
    field[at] = static_cast<char>('0' + (number & 7));
  }
}

template <std::size_t kSize>
void put_text(char (&field)[kSize], std::string_view text) {
  std::memcpy(field, text.data(), std::min(kSize, text.size()));
}

// "27 path=...\n", whose number counts itself.
std::string pax_record(std::string_view key, std::string_view value) {
  const std::size_t body = key.size() + value.size() + 3;
  std::size_t size = body + 1;
  while (size != body + cat(size).size()) size = body + cat(size).size();
  return cat(size, " ", key, "=", value, "\n");
}

class Packer {
 public:
  explicit Packer(const client::BodySink& sink) : sink_(sink) {}

  Result<void> add(FdRef directory, const std::string& path, const std::string& name,
                   bool follow_link) {
    struct stat status = {};
    if (::fstatat(directory.get(), path.c_str(), &status, follow_link ? 0 : AT_SYMLINK_NOFOLLOW) !=
        0) {
      return fail_errno("'", printable(name), "'");
    }
    if (S_ISSOCK(status.st_mode)) return {};
    if (S_ISLNK(status.st_mode)) {
      const std::string target = TRY(file::read_link_at(directory, path));
      return add_header(name, '2', status, target);
    }
    if (S_ISDIR(status.st_mode)) return add_directory(directory, path, name, status, follow_link);
    if (S_ISREG(status.st_mode)) return add_file(directory, path, name, follow_link);
    const char type = S_ISCHR(status.st_mode) ? '3' : S_ISBLK(status.st_mode) ? '4' : '6';
    return add_header(name, type, status, "");
  }

  Result<void> finish() { return sink_(std::string(2 * kBlock, '\0')); }

 private:
  Result<void> add_directory(FdRef parent, const std::string& path, const std::string& name,
                             const struct stat& status, bool follow_link) {
    TRY(add_header(name + "/", '5', status, ""));
    const Fd directory =
        TRY(file::open_at(parent, path, O_RDONLY | O_DIRECTORY | (follow_link ? 0 : O_NOFOLLOW)));
    const std::vector<std::string> names = TRY(file::list(directory));
    for (const std::string& entry : names) {
      TRY(add(directory, entry, cat(name, "/", entry), false));
    }
    return {};
  }

  Result<void> add_file(FdRef parent, const std::string& path, const std::string& name,
                        bool follow_link) {
    // Not blocking, should it have become a FIFO meanwhile.
    const Fd file =
        TRY(file::open_at(parent, path, O_RDONLY | O_NONBLOCK | (follow_link ? 0 : O_NOFOLLOW)));
    const struct stat status = TRY(file::stat(file));
    TRY(add_header(name, '0', status, ""));
    auto left = static_cast<std::uint64_t>(status.st_size);
    std::string buffer(128 * 1024, '\0');
    while (left > 0) {
      const std::size_t wanted = std::min<std::uint64_t>(left, buffer.size());
      const std::size_t count =
          TRY(file::read_some(file, std::as_writable_bytes(std::span(buffer.data(), wanted))));
      if (count == 0) {
        return fail(ErrorKind::corrupt, "'", printable(name), "' became shorter meanwhile");
      }
      TRY(sink_(std::string_view(buffer).substr(0, count)));
      left -= count;
    }
    return pad(static_cast<std::uint64_t>(status.st_size));
  }

  Result<void> pad(std::uint64_t size) {
    const std::size_t over = size % kBlock;
    return over == 0 ? Result<void>() : sink_(std::string(kBlock - over, '\0'));
  }

  Result<void> add_header(const std::string& name, char type, const struct stat& status,
                          std::string_view link) {
    constexpr std::uint64_t kMostOctal = 077777777777;
    const std::uint64_t size = type == '0' ? static_cast<std::uint64_t>(status.st_size) : 0;
    std::string records;
    if (name.size() > sizeof Header::name) records.append(pax_record("path", name));
    if (link.size() > sizeof Header::link) records.append(pax_record("linkpath", link));
    if (size > kMostOctal) records.append(pax_record("size", cat(size)));
    if (!records.empty()) {
      TRY(write_header("././@PaxHeader", 'x', {}, "", records.size()));
      TRY(sink_(records));
      TRY(pad(records.size()));
    }
    return write_header(name, type, status, link, size);
  }

  Result<void> write_header(std::string_view name, char type, const struct stat& status,
                            std::string_view link, std::uint64_t size) {
    Header header = {};
    put_text(header.name, name);
    put_octal(header.mode, status.st_mode & 07777U);
    put_octal(header.uid, status.st_uid);
    put_octal(header.gid, status.st_gid);
    put_octal(header.size, size);
    put_octal(header.mtime, static_cast<std::uint64_t>(std::max<time_t>(status.st_mtime, 0)));
    header.type = type;
    put_text(header.link, link);
    put_text(header.magic, std::string_view("ustar\00000", 8));
    put_octal(header.major, type == '3' || type == '4' ? ::major(status.st_rdev) : 0);
    put_octal(header.minor, type == '3' || type == '4' ? ::minor(status.st_rdev) : 0);
    std::memset(header.checksum, ' ', sizeof header.checksum);
    std::uint64_t sum = 0;
    for (const std::byte byte : bytes_of(header)) sum += static_cast<unsigned>(byte);
    put_octal(header.checksum, sum);
    return sink_(text_of(bytes_of(header)));
  }

  const client::BodySink& sink_;
};

}  // namespace

Result<void> pack(const PackOptions& options, const client::BodySink& sink) {
  Packer packer(sink);
  TRY(packer.add(FdRef::cwd(), options.path, options.name, options.follow_link));
  return packer.finish();
}

}  // namespace proa::cli
