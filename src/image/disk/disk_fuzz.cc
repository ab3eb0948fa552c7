// A disk that a guest wrote: bytes of a small file system are changed, without checksums that would
// stop most of it. Whatever is read ends, stays in bounds, and what becomes a layer is a whole one.
#include <sys/stat.h>

#include <cstdlib>

#include "image/disk/upper.h"
#include "image/layer/layer_builder.h"
#include "image/layer/verify.h"
#include "kernel/file/temp_dir.h"
#include "tests/fixtures/layer.h"

namespace {

std::string make_disk() {
  using namespace proa;
  const auto directory = file::TempDir::create("/tmp", "proa-fuzz-disk-");
  CHECK(directory.ok());
  const std::string command =
      cat("set -e; cd ", directory.value().path(),
          "; mkdir -p t/upper/d/e; echo hello >t/upper/d/file; ln t/upper/d/file t/upper/again; ",
          "ln -s target t/upper/link; ln -s $(printf 'x%.0s' $(seq 99)) t/upper/long; ",
          "mkfifo t/upper/fifo; truncate -s 100k t/upper/holes; echo end >>t/upper/holes; ",
          "for n in $(seq 60); do echo $n >t/upper/d/e/file-$n; done; ",
          "mke2fs -q -F -t ext4 -b 1024 -O ^metadata_csum,^has_journal -d t disk 1M >/dev/null");
  CHECK(std::system(command.c_str()) == 0);
  return file::read_file(directory.value().path() + "/disk").take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  static const std::string whole = make_disk();
  std::string disk = whole;
  // Four bytes each: where, and what.
  for (std::size_t at = 0; at + 4 <= size; at += 4) {
    const std::size_t where =
        std::size_t{data[at]} | std::size_t{data[at + 1]} << 8 | std::size_t{data[at + 2]} << 16;
    disk[where % disk.size()] = static_cast<char>(data[at + 3]);
  }
  const Fd disk_file = fixtures::memory_file();
  const Fd image_file = fixtures::memory_file();
  const Fd nothing = fixtures::memory_file();
  CHECK(file::write_all(disk_file, bytes_of(disk)).ok());
  const image::LayerLimits limits = {.tar_bytes = 4 << 20,
                                     .entries = 2000,
                                     .sparse_pieces = 1000,
                                     .image_bytes = std::uint64_t{16} << 20,
                                     .metadata_bytes = 4 << 20};
  auto tarmap = image::TarmapWriter::create(nothing);
  CHECK(tarmap.ok());
  image::LayerBuilder builder(image_file, tarmap.take(), limits);
  if (!image::read_upper(disk_file, limits, builder.entries()).ok()) return 0;
  if (!builder.finish().ok()) return 0;
  auto reader = image::ErofsReader::open(
      file::open(cat("/proc/self/fd/", image_file.get()), O_RDONLY).take());
  CHECK(reader.ok());
  CHECK(image::verify_structure(reader.value()).ok());
  return 0;
}
