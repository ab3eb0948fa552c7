// Runtimes mounted, masked and wrote through names of the root file system that an attacker could
// exchange for links: CVE-2019-19921, CVE-2023-27561, CVE-2025-31133, CVE-2025-52565,
// CVE-2025-52881.
#include <filesystem>

#include "kernel/file/file.h"
#include "tests/fixtures/container.h"
#include "tests/fixtures/swapper.h"

namespace proa {
namespace {

namespace fs = std::filesystem;
using fixtures::Output;
using fixtures::Swapper;

constexpr int kStarts = 12;

// While names inside are exchanged, a start may fail or succeed; what it may never do is to touch
// anything outside. `victim` is a directory of the test's that stands for the host.
class OciSwappedTargets : public fixtures::ContainerTest {
 protected:
  void SetUp() override {
    ContainerTest::SetUp();
    if (IsSkipped()) return;
    victim_ = cat(scratch(), "/victim");
    fs::create_directory(victim_);
    const Fd file = file::open(cat(victim_, "/file"), O_CREAT | O_WRONLY, 0600).take();
    ASSERT_OK(file::write_all(file, bytes_of(std::string_view("host"))));
  }

  // The host's mounts on anything of this test's; other programs come and go meanwhile.
  std::string mount_points() const {
    std::string ours;
    const std::string all = file::read_file("/proc/self/mountinfo").take();
    for (const std::string_view line : split(all, '\n')) {
      if (line.find(scratch()) != line.npos || line.find("/proa-test-bundle-") != line.npos) {
        ours.append(line);
      }
    }
    return ours;
  }

  // Puts a link to `target` beside `inside` and exchanges the two while containers start.
  void race(const std::string& inside, const std::string& target) {
    const std::string link = bundle().rootfs(inside + ".link");
    fs::create_symlink(target, link);
    {
      const Swapper swapper(bundle().rootfs(inside), link);
      for (int start = 0; start < kStarts; ++start) {
        const Output output = run();
        if (output.code == 0) inspect(output.out);
        runtime({"delete", "--force", id()});
      }
      EXPECT_GT(swapper.swaps(), 0);
    }
    expect_untouched_host();
    fs::remove_all(bundle().rootfs(inside));
    fs::remove_all(link);
    fs::create_directories(bundle().rootfs(inside));
  }

  void expect_untouched_host() {
    EXPECT_EQ(file::read_file(cat(victim_, "/file")).take(), "host");
    EXPECT_EQ(std::distance(fs::directory_iterator(victim_), {}), 1)
        << "something was made outside";
    EXPECT_EQ(mount_points(), "");
  }

  // A container that started has to be whole: its /proc is a proc, its masks mask.
  virtual void inspect(const std::string& out) { EXPECT_EQ(out, "whole\n"); }

  const std::string& victim() const { return victim_; }

 private:
  std::string victim_;
};

TEST_F(OciSwappedTargets, proc_when_exchanged_with_a_link_then_no_start_leaves_the_root) {
  // What the links hide would be seen: another container's /proc, writable kernel settings.
  bundle().set_script(
      "test -d /proc/1 || exit 9; echo 1 2>/dev/null > /proc/sys/kernel/domainname && exit 8; "
      "echo whole");
  race("/proc", victim());
}

TEST_F(OciSwappedTargets, sys_when_exchanged_with_a_link_then_no_start_leaves_the_root) {
  bundle().set_script("test -d /sys/class || exit 9; echo whole");
  race("/sys", victim());
}

TEST_F(OciSwappedTargets, dev_when_exchanged_with_a_link_then_no_device_is_made_outside) {
  bundle().set_script("test -c /dev/null || exit 9; echo whole");
  race("/dev", victim());
}

TEST_F(OciSwappedTargets, bind_target_when_exchanged_with_a_link_then_nothing_is_mounted_outside) {
  const std::string source = cat(scratch(), "/source");
  fs::create_directory(source);
  fs::create_directory(bundle().rootfs("/data"));
  bundle().add_mount(cat(R"({"type": "bind", "source": ")", source,
                         R"(", "destination": "/data/deep/er", "options": ["bind"]})"));
  bundle().set_script("echo whole");
  race("/data", victim());
}

TEST_F(OciSwappedTargets, masked_path_when_exchanged_with_a_link_then_its_content_stays_hidden) {
  fs::create_directory(bundle().rootfs("/secrets"));
  bundle().add_file("/secrets/key", "key");
  config("linux.maskedPaths").push("/secrets");
  bundle().set_script("echo whole");
  race("/secrets", "/proc/sys");
}

TEST_F(OciSwappedTargets, read_only_path_when_exchanged_with_a_link_then_the_host_stays_writable) {
  fs::create_directory(bundle().rootfs("/frozen"));
  config("linux.readonlyPaths").push("/frozen");
  bundle().set_script("echo whole");
  race("/frozen", victim());
}

TEST_F(OciSwappedTargets, cwd_when_exchanged_with_a_link_then_the_process_stays_inside) {
  fs::create_directory(bundle().rootfs("/work"));
  config("process.cwd") = "/work";
  bundle().set_script("test -e /bin/busybox && cat file 2>/dev/null; echo whole");
  race("/work", cat("/../../../..", victim()));
}

TEST_F(OciSwappedTargets, proc_when_it_is_a_link_from_the_start_then_the_host_is_untouched) {
  fs::remove(bundle().rootfs("/proc"));
  fs::create_directory(bundle().rootfs("/fake"));
  fs::create_symlink("/fake", bundle().rootfs("/proc"));
  bundle().set_script("echo whole");

  // Refused by most; where it starts, /proc is a proc all the same.
  run();

  expect_untouched_host();
}

TEST_F(OciSwappedTargets, dev_null_when_the_image_has_its_own_then_masks_do_not_use_it) {
  // CVE-2025-31133: the source of a mask was the container's own /dev/null, here a link.
  bundle().config() = fixtures::docker_like_config();
  auto* mounts = config("mounts").get_if<json::Value::Array>();
  std::erase_if(*mounts, [](const json::Value& mount) {
    return fixtures::text_at(mount, "destination").starts_with("/dev");
  });
  fs::create_symlink("/proc/sys/kernel/core_pattern", bundle().rootfs("/dev/null"));
  config("linux.maskedPaths").push("/proc/kallsyms");
  bundle().set_script("echo '|/exploit' 2>/dev/null > /proc/kallsyms; echo whole");
  const std::string before = file::read_file("/proc/sys/kernel/core_pattern").take();

  run();

  EXPECT_EQ(file::read_file("/proc/sys/kernel/core_pattern").take(), before);
}

}  // namespace
}  // namespace proa
