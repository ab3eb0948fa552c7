// bench_layer BLOB IMAGE TARMAP [alone|overlapped]: converts one layer as a pull does and prints
// the seconds it took, wall and processor, and what came out.
#include <fcntl.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <vector>

#include "image/layer/layer_writer.h"
#include "kernel/file/file.h"

namespace {

using namespace proa;

double processor_seconds() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Result<image::LayerInfo> convert(const char* blob_path, const char* image_path,
                                 const char* tarmap_path, image::Threads threads) {
  const Fd blob = TRY(file::open(blob_path, O_RDONLY));
  const Fd layer = TRY(file::open(image_path, O_RDWR | O_CREAT | O_TRUNC, 0644));
  const Fd tarmap = TRY(file::open(tarmap_path, O_RDWR | O_CREAT | O_TRUNC, 0644));
  auto writer = TRY(image::LayerWriter::create(layer, tarmap, image::LayerLimits(), threads));
  std::vector<std::byte> buffer(256 << 10);
  const struct stat status = TRY(file::stat(blob));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  for (std::uint64_t done = 0; done < size; done += buffer.size()) {
    if (size - done < buffer.size()) buffer.resize(static_cast<std::size_t>(size - done));
    TRY(file::read_exact_at(blob, buffer, done));
    TRY(writer.write(buffer));
  }
  return writer.finish();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: bench_layer BLOB IMAGE TARMAP [alone|overlapped]\n", stderr);
    return 2;
  }
  const bool alone = argc > 4 && std::string_view(argv[4]) == "alone";
  const auto start = std::chrono::steady_clock::now();
  const auto info = convert(argv[1], argv[2], argv[3],
                            alone ? image::Threads::alone : image::Threads::overlapped);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  if (!info.ok()) {
    std::fprintf(stderr, "bench_layer: %s\n", info.error().message().c_str());
    return 1;
  }
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"wall\":%.3f,\"cpu\":%.3f,\"rss_kib\":%ld,\"tar\":%llu,\"image\":%llu,\"tarmap\":%llu,"
      "\"inodes\":%llu,\"diff_id\":\"%s\"}\n",
      wall.count(), processor_seconds(), usage.ru_maxrss,
      static_cast<unsigned long long>(info.value().tar_bytes),
      static_cast<unsigned long long>(info.value().image_bytes),
      static_cast<unsigned long long>(info.value().tarmap_bytes),
      static_cast<unsigned long long>(info.value().inodes), info.value().diff_id.text().c_str());
  return 0;
}
