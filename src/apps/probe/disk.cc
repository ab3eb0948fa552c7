#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "apps/probe/measures.h"
#include "kernel/file/file.h"

namespace proa::probe {
namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* kName = "proa-probe.data";
constexpr int kSmallWrites = 40;

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

double megabytes_per_second(std::uint64_t mebibytes, double milliseconds) {
  return static_cast<double>(mebibytes << 20) / 1e6 / (milliseconds / 1e3);
}

Result<double> write_speed(FdRef file, std::uint64_t mebibytes) {
  // Not zeros: those some layers below would not store.
  std::vector<std::byte> block(std::size_t{1} << 20);
  for (std::size_t at = 0; at < block.size(); ++at) {
    block[at] = static_cast<std::byte>((at * 2654435761U) >> 13);
  }
  const Clock::time_point begin = Clock::now();
  for (std::uint64_t at = 0; at < mebibytes; ++at) TRY(file::write_all(file, block));
  TRY(file::sync_data(file));
  return megabytes_per_second(mebibytes, milliseconds_since(begin));
}

Result<double> read_speed(FdRef file, std::uint64_t mebibytes) {
  std::vector<std::byte> block(std::size_t{1} << 20);
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  const Clock::time_point begin = Clock::now();
  for (std::uint64_t at = 0; at < mebibytes; ++at) {
    TRY(file::read_exact_at(file, block, at << 20));
  }
  return megabytes_per_second(mebibytes, milliseconds_since(begin));
}

// The median of small writes, each synced.
Result<double> sync_latency(FdRef file) {
  std::vector<std::byte> block(4096, std::byte{1});
  std::vector<double> times;
  for (int turn = 0; turn < kSmallWrites; ++turn) {
    const Clock::time_point begin = Clock::now();
    TRY(file::write_all_at(file, block, static_cast<std::uint64_t>(turn) * block.size()));
    TRY(file::sync_data(file));
    times.push_back(milliseconds_since(begin));
  }
  std::ranges::sort(times);
  return times[times.size() / 2];
}

}  // namespace

Result<json::Value> disk(const std::string& directory, std::uint64_t mebibytes) {
  const Fd place = TRY(file::open(directory, O_RDONLY | O_DIRECTORY));
  const Fd file = TRY(file::open_at(place, kName, O_RDWR | O_CREAT | O_TRUNC, 0600));
  discard(file::unlink_at(place, kName), "it goes with its descriptor where that is allowed");
  json::Value told = json::Value::object();
  told.set("write", TRY(write_speed(file, mebibytes)));
  told.set("read", TRY(read_speed(file, mebibytes)));
  told.set("sync", TRY(sync_latency(file)));
  return told;
}

}  // namespace proa::probe
