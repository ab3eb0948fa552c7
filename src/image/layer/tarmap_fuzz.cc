// Foreign records in a tarmap over a small layer file: memory stays bounded, every number is
// checked, and what comes out is refused for its digest.
#include <zstd.h>

#include "image/layer/tarmap_format.h"
#include "tests/fixtures/layer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  if (size == 0) return 0;
  std::string tarmap(ZSTD_compressBound(size), '\0');
  // Half of the inputs are records, half are taken as the compressed stream itself.
  if (data[0] % 2 == 0) {
    tarmap.resize(ZSTD_compress(tarmap.data(), tarmap.size(), data + 1, size - 1, 1));
  } else {
    tarmap.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  }
  image::TarmapHeader header = {};
  std::memcpy(header.magic.data(), image::kTarmapMagic.data(), header.magic.size());
  header.version = image::kTarmapVersion;
  tarmap.insert(0, text_of(bytes_of(header)));
  const Fd tarmap_file = fixtures::memory_file();
  const Fd image_file = fixtures::memory_file();
  CHECK(file::write_all(tarmap_file, bytes_of(tarmap)).ok());
  CHECK(file::write_all(image_file, bytes_of(std::string(64 << 10, 'i'))).ok());
  auto restorer =
      image::TarRestorer::open(image_file, tarmap_file, Digest::of(std::string_view("no tar")));
  CHECK(restorer.ok());
  std::vector<std::byte> buffer(4096);
  for (int round = 0; round < 4096; ++round) {
    const auto count = restorer.value().read(buffer);
    if (!count.ok()) return 0;
    CHECK(count.value() != 0);
  }
  return 0;
}
