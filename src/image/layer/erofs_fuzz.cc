// Foreign bytes as metadata of a layer file. The checksum is set right first: a fuzzer would not
// find it, a hostile maker can.
#include "image/layer/erofs_format.h"
#include "image/layer/verify.h"
#include "tests/fixtures/layer.h"
#include "tests/fixtures/tar_builder.h"

namespace {

using namespace proa;

// A layer with something of everything, whose bytes the input overwrites.
const std::string& base() {
  static const std::string bytes = [] {
    fixtures::TarBuilder tar;
    tar.add({.name = "dir/", .type = '5', .mode = 0755});
    tar.add({.name = "dir/file", .content = std::string(5000, 'x')});
    tar.add({.name = "link", .type = '2', .link = "dir/file"});
    tar.pax('x', "SCHILY.xattr.user.name", "value").add({.name = "attributes"});
    for (int index = 0; index < 200; ++index) tar.add({.name = cat("dir/entry-", index)});
    const auto layer = fixtures::convert(tar.finish());
    CHECK(layer.ok());
    return fixtures::bytes_in(layer.value().image).substr(0, 48 << 10);
  }();
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  // The first two bytes say where the others go.
  std::string bytes = base();
  const std::size_t place = (data[0] | static_cast<std::size_t>(data[1]) << 8) % bytes.size();
  const std::size_t count = std::min(size - 2, bytes.size() - place);
  std::memcpy(bytes.data() + place, data + 2, count);
  std::memset(bytes.data() + image::erofs::kSuperOffset + 4, 0, 4);
  const Le32 checksum = image::erofs::checksum(bytes_of(std::string_view(bytes).substr(
      image::erofs::kSuperOffset, image::erofs::kBlock - image::erofs::kSuperOffset)));
  std::memcpy(bytes.data() + image::erofs::kSuperOffset + 4, &checksum, sizeof checksum);
  Fd file = fixtures::memory_file();
  CHECK(file::write_all(file, bytes_of(bytes)).ok());
  const auto reader = image::ErofsReader::open(std::move(file));
  if (!reader.ok()) return 0;
  discard(image::verify_structure(reader.value()), "only that it ends and stays in bounds counts");
  for (const char* path : {"dir/file", "link", "attributes", "dir/entry-99", "/.."}) {
    const auto inode = reader.value().look_up(path);
    if (inode.ok()) discard(reader.value().read_all(inode.value(), 1 << 20), "as above");
  }
  return 0;
}
