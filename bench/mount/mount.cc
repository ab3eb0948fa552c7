// bench_mount proa|bare RUN ROUNDS LAYER LAYER...: mounts a read-only root over layer files that
// are not mounted yet and prints the median of the rounds in microseconds; letting it go again is
// not counted. `bare` does the system calls for the mounts and nothing else; `proa` attaches them
// where others find them and notes who holds them. RUN is an empty directory.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "image/mount/layer_mounts.h"

namespace {

using namespace proa;
using Clock = std::chrono::steady_clock;

// A bare fsopen to fsmount; ends the program where a call fails.
int must(int result) {
  if (result >= 0) return result;
  std::perror("bench_mount");
  std::exit(1);
}

int made(int context) {
  must(::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0));
  const int mount = must(::fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY));
  ::close(context);
  return mount;
}

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

double mount_bare(const std::vector<image::LayerFile>& layers) {
  const auto start = Clock::now();
  std::vector<int> mounts;
  for (const image::LayerFile& layer : layers) {
    const int context = must(::fsopen("erofs", FSOPEN_CLOEXEC));
    must(::fsconfig(context, FSCONFIG_SET_STRING, "source", layer.path.c_str(), 0));
    mounts.push_back(made(context));
  }
  const int overlay = must(::fsopen("overlay", FSOPEN_CLOEXEC));
  for (auto mount = mounts.rbegin(); mount != mounts.rend(); ++mount) {
    must(::fsconfig(overlay, FSCONFIG_SET_FD, "lowerdir+", nullptr, *mount));
  }
  const int root = made(overlay);
  const double taken = microseconds_since(start);
  ::close(root);
  for (const int mount : mounts) ::close(mount);
  return taken;
}

double mount_proa(const image::LayerMounts& mounts, const std::vector<image::LayerFile>& layers) {
  const auto start = Clock::now();
  const auto root =
      mounts.mount_root({.user = "bench", .layers = layers, .writable = image::ReadOnly()});
  const double taken = microseconds_since(start);
  if (root.ok() && mounts.release("bench").ok()) return taken;
  std::fprintf(stderr, "bench_mount: %s\n", root.error().message().c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fputs("usage: bench_mount proa|bare RUN ROUNDS LAYER LAYER...\n", stderr);
    return 2;
  }
  std::vector<image::LayerFile> layers;
  for (int index = 4; index < argc; ++index) {
    layers.push_back({.id = Digest::of(std::string_view(argv[index])).hex(), .path = argv[index]});
  }
  const bool is_bare = std::string_view(argv[1]) == "bare";
  auto mounts = image::LayerMounts::open(argv[2]);
  if (!mounts.ok()) {
    std::fprintf(stderr, "bench_mount: %s\n", mounts.error().message().c_str());
    return 1;
  }
  std::vector<double> rounds;
  for (int round = 0; round < std::atoi(argv[3]); ++round) {
    rounds.push_back(is_bare ? mount_bare(layers) : mount_proa(mounts.value(), layers));
  }
  if (!mounts.value().unpin().ok() || rounds.empty()) return 1;
  std::ranges::sort(rounds);
  std::printf("%.0f\n", rounds[rounds.size() / 2]);
  return 0;
}
