// proa-vmm from outside: what its threads may call, and the jail that a running guest's monitor
// is in.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <string>

#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/file/temp_dir.h"
#include "kernel/process/child.h"
#include "tests/fixtures/command.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"

namespace proa {
namespace {

std::string from_environment(const char* name, const std::string& otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

std::string monitor() {
  return cat(from_environment("PROA_BIN", "build/release/bin"), "/proa-vmm");
}

class VmmProgramTest : public fixtures::LeakCheckedTest {};

TEST_F(VmmProgramTest, all_threads_together_make_fewer_than_forty_system_calls) {
  const fixtures::Output listed = fixtures::run({.arguments = {monitor(), "--system-calls"}});
  ASSERT_EQ(listed.code, 0) << listed.err;
  std::set<std::string_view> calls;
  for (const std::string_view line : split(listed.out, '\n')) {
    if (line.empty()) continue;
    const auto [where, reason] = split_once(line, ':');
    EXPECT_GT(trim(reason).size(), 3U) << line;
    calls.insert(split_once(where, ' ').second);
  }
  EXPECT_GE(calls.size(), 10U);
  EXPECT_LT(calls.size(), 40U);
}

// The fields of /proc/<pid>/status that a jail shows in.
std::string status_of(const std::string& process, std::string_view field) {
  const std::string text = file::read_file(cat(process, "/status")).take();
  for (const std::string_view line : split(text, '\n')) {
    const auto [name, value] = split_once(line, ':');
    if (name == field) return std::string(trim(value));
  }
  return "";
}

TEST_F(VmmProgramTest, a_running_guests_monitor_has_no_files_no_network_and_no_rights) {
  REQUIRE(root, kvm);
  Result<file::TempDir> scratch = file::TempDir::create("/tmp", "proa-test-");
  ASSERT_OK(scratch);
  const std::string folder = scratch.value().path();
  const std::string guest = cat(folder, "/guest");
  const fixtures::Output built =
      fixtures::run({.arguments = {cat(from_environment("PROA_SOURCE", "."), "/tests/guests/build"),
                                   "g++", guest}});
  ASSERT_EQ(built.code, 0) << built.err;
  const std::string config = cat(folder, "/config.json");
  const std::string disk = cat(folder, "/disk");
  const Fd image = file::open(disk, O_RDWR | O_CREAT, 0600).take();
  ASSERT_EQ(::ftruncate(image.get(), 1 << 20), 0);
  const Fd file = file::open(config, O_WRONLY | O_CREAT, 0600).take();
  const std::string text =
      cat(R"({"memory_mib":16,"command_line":"count","kernel":")", guest,
          R"(","devices":{"rng":true,"disks":[{"id":"d","extents":[{"file":")", disk, R"("}]}]}})");
  ASSERT_OK(file::write_all(file, bytes_of(std::string_view(text))));

  const fixtures::Capture out;
  process::Spawn spawn{.program = monitor(), .arguments = {"proa-vmm", "--config", config}};
  spawn.standard_output = out.fd();
  Result<process::Child> child = process::Child::spawn(spawn);
  ASSERT_OK(child);
  ASSERT_TRUE(fixtures::eventually([&] { return out.text().contains("\n9\n"); }));

  const std::string process = cat("/proc/", child.value().pid());
  EXPECT_EQ(status_of(process, "Uid"), "65534\t65534\t65534\t65534");
  EXPECT_EQ(status_of(process, "Groups"), "");
  EXPECT_EQ(status_of(process, "CapEff"), "0000000000000000");
  EXPECT_EQ(status_of(process, "CapPrm"), "0000000000000000");
  EXPECT_EQ(status_of(process, "NoNewPrivs"), "1");
  const Fd root = file::open(cat(process, "/root"), O_RDONLY | O_DIRECTORY).take();
  EXPECT_TRUE(file::list(root).take().empty());
  for (const char* space : {"mnt", "net", "ipc", "uts", "cgroup"}) {
    EXPECT_NE(file::read_link_at(FdRef::cwd(), cat(process, "/ns/", space)).take(),
              file::read_link_at(FdRef::cwd(), cat("/proc/self/ns/", space)).take())
        << space;
  }
  const Fd tasks = file::open(cat(process, "/task"), O_RDONLY | O_DIRECTORY).take();
  std::vector<std::string> threads = file::list(tasks).take();
  // The kernel's own workers of io_uring and KVM are listed too.
  std::erase_if(threads, [&](const std::string& thread) {
    const std::string name = status_of(cat(process, "/task/", thread), "Name");
    return name.starts_with("iou-") || name.starts_with("kvm-");
  });
  EXPECT_EQ(threads.size(), 4U) << "main, vCPU, disk, other devices";
  for (const std::string& thread : threads) {
    EXPECT_EQ(status_of(cat(process, "/task/", thread), "Seccomp"), "2") << thread;
  }
}

}  // namespace
}  // namespace proa
