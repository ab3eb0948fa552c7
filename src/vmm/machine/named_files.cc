#include "vmm/machine/named_files.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/number.h"
#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"

namespace proa::vmm {

NamedFiles::~NamedFiles() {
  for (const int number : taken_) ::close(number);
}

Result<std::optional<int>> NamedFiles::descriptor(const std::string& name) {
  constexpr std::string_view kPrefix = "fd:";
  constexpr int kFirst = 3;  // those before are the serial port's and the report's
  if (!name.starts_with(kPrefix)) return std::optional<int>();
  const int number = TRY(parse_number<int>(std::string_view(name).substr(kPrefix.size())), name);
  if (number < kFirst) return fail(ErrorKind::invalid_argument, name, ": not from 3 up");
  return std::optional(number);
}

Result<std::optional<Fd>> NamedFiles::inherited(const std::string& name) {
  const std::optional<int> number = TRY(descriptor(name));
  if (!number.has_value()) return std::optional<Fd>();
  Fd own(::fcntl(*number, F_DUPFD_CLOEXEC, 3));
  if (!own.valid()) return fail_errno(name);
  taken_.insert(*number);
  return std::optional<Fd>(std::move(own));
}

Result<Fd> NamedFiles::open(const std::string& name, int flags) {
  std::optional<Fd> own = TRY(inherited(name));
  if (own.has_value()) return std::move(*own);
  return file::open(name, flags);
}

Result<Fd> NamedFiles::connect(const std::string& name) {
  std::optional<Fd> own = TRY(inherited(name));
  if (!own.has_value()) {
    const auto slash = name.rfind('/');
    const bool plain = slash == std::string::npos;
    const Fd directory =
        TRY(file::open(plain ? "." : name.substr(0, slash + 1), O_PATH | O_DIRECTORY));
    own = TRY(socket::connect_at(directory, plain ? name : name.substr(slash + 1)));
  }
  return std::move(*own);
}

}  // namespace proa::vmm
