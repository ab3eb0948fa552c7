// Whatever an archive says, unpacking touches nothing but the directory that stands in for a root.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "hull/files/files.h"
#include "kernel/file/file.h"
#include "kernel/file/temp_dir.h"

using namespace proa;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const file::TempDir directory = file::TempDir::create("/dev/shm", "proa-fuzz-").take();
  static const Fd parent = file::open(directory.path(), O_RDONLY | O_DIRECTORY).take();
  CHECK(file::make_directory(parent, "root", 0755).ok());
  const Fd root = file::open_at(parent, "root", O_RDONLY | O_DIRECTORY).take();
  const Fd tar(::memfd_create("tar", MFD_CLOEXEC));
  CHECK(file::write_all(tar, ByteSpan(reinterpret_cast<const std::byte*>(data), size)).ok());
  ::lseek(tar.get(), 0, SEEK_SET);
  discard(hull::files::unpack(root, {"/", false}, tar), "foreign bytes may be refused");
  CHECK(file::list(parent).take() == std::vector<std::string>{"root"});
  CHECK(file::remove_tree(parent, "root").ok());
  return 0;
}
