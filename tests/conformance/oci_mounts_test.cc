// Mounts, masks, devices and the root file system.
// Spec: OCI runtime 1.3, config.md "Root", "Mounts"; config-linux.md "Devices", "Masked Paths"
#include <filesystem>

#include "kernel/file/file.h"
#include "tests/fixtures/container.h"

namespace proa {
namespace {

using fixtures::has_option;
using fixtures::mount_at;
using fixtures::Output;
using fixtures::text_at;

class OciMounts : public fixtures::ContainerTest {
 protected:
  // A directory outside with a file in it, to bind.
  std::string shared_directory() {
    const std::string path = cat(scratch(), "/shared");
    std::filesystem::create_directory(path);
    const Fd file = file::open(cat(path, "/file"), O_CREAT | O_WRONLY, 0666).take();
    EXPECT_OK(file::write_all(file, bytes_of(std::string_view("outside"))));
    return path;
  }
  void bind(const std::string& source, const std::string& destination, const std::string& options) {
    bundle().add_mount(cat(R"({"type": "bind", "source": ")", source, R"(", "destination": ")",
                           destination, R"(", "options": [)", options, "]}"));
  }
  std::string options_of(const json::Value& facts, std::string_view point) {
    return mount_text(facts, point, "options");
  }
  std::string mount_text(const json::Value& facts, std::string_view point, std::string_view key) {
    const json::Value* mount = mount_at(facts, point);
    EXPECT_NE(mount, nullptr) << point;
    return mount == nullptr ? "" : text_at(*mount, key);
  }
};

TEST_F(OciMounts, mounts_when_like_dockers_then_each_is_there_with_its_options) {
  const auto seen = facts();

  for (const auto& [point, type] :
       {std::pair("/proc", "proc"), std::pair("/dev", "tmpfs"), std::pair("/dev/pts", "devpts"),
        std::pair("/sys", "sysfs"), std::pair("/dev/mqueue", "mqueue"),
        std::pair("/dev/shm", "tmpfs")}) {
    ASSERT_NE(mount_at(seen, point), nullptr) << point;
    EXPECT_EQ(text_at(*mount_at(seen, point), "type"), type) << point;
    EXPECT_TRUE(has_option(options_of(seen, point), "nosuid")) << point;
  }
  EXPECT_TRUE(has_option(options_of(seen, "/proc"), "nodev"));
  EXPECT_TRUE(has_option(options_of(seen, "/proc"), "noexec"));
  EXPECT_TRUE(has_option(options_of(seen, "/sys"), "ro"));
  EXPECT_TRUE(has_option(mount_text(seen, "/dev/shm", "super"), "size=65536k"));
}

TEST_F(OciMounts, mounts_when_looked_at_inside_then_nothing_of_the_host_is_left) {
  const auto seen = facts();

  for (const json::Value& mount : fixtures::array_at(seen, "mounts")) {
    const std::string point = text_at(mount, "point");
    EXPECT_TRUE(point == "/" || point.starts_with("/proc") || point.starts_with("/dev") ||
                point.starts_with("/sys"))
        << point;
  }
}

TEST_F(OciMounts, bind_when_writable_then_both_sides_see_what_the_other_wrote) {
  const std::string shared = shared_directory();
  bind(shared, "/data", R"("bind", "rw")");
  bundle().set_script("cat /data/file && echo inside > /data/new");

  const Output output = run();

  EXPECT_EQ(output.out, "outside") << output.err;
  EXPECT_EQ(file::read_file(cat(shared, "/new")).take(), "inside\n");
}

TEST_F(OciMounts, bind_when_read_only_then_writes_fail) {
  bind(shared_directory(), "/data", R"("rbind", "ro", "nosuid", "nodev", "noexec")");
  bundle().set_script("touch /data/new");
  EXPECT_NE(run().code, 0);

  bundle().set_args({"/bin/probe"});
  const auto seen = facts();
  for (const char* option : {"ro", "nosuid", "nodev", "noexec"}) {
    EXPECT_TRUE(has_option(options_of(seen, "/data"), option)) << option;
  }
}

TEST_F(OciMounts, bind_when_the_source_is_a_file_then_the_target_is_made_as_one) {
  bind(cat(shared_directory(), "/file"), "/etc/made/by/mount", R"("bind")");
  bundle().set_script("cat /etc/made/by/mount");

  EXPECT_EQ(run().out, "outside");
}

TEST_F(OciMounts, bind_when_the_source_is_missing_then_create_fails) {
  bind(cat(scratch(), "/missing"), "/data", R"("bind")");
  EXPECT_NE(create().code, 0);
}

TEST_F(OciMounts, bind_when_relative_then_the_bundle_is_the_base) {
  std::filesystem::create_directory(cat(bundle().path(), "/data"));
  bind("data", "/data", R"("bind")");
  bundle().set_script("touch /data/made");

  EXPECT_EQ(run().code, 0);

  EXPECT_TRUE(std::filesystem::exists(cat(bundle().path(), "/data/made")));
}

TEST_F(OciMounts, bind_when_the_destination_is_a_symlink_then_it_resolves_inside_the_root) {
  std::filesystem::create_symlink("/target", bundle().rootfs("/link"));
  bind(shared_directory(), "/link", R"("bind")");
  bundle().set_script("cat /target/file");

  EXPECT_EQ(run().out, "outside");
  EXPECT_FALSE(std::filesystem::exists("/target"));
}

TEST_F(OciMounts, propagation_when_asked_for_then_the_mount_has_it) {
  const std::string shared = shared_directory();
  bind(shared, "/private", R"("bind", "private")");
  bind(shared, "/shared", R"("bind", "shared")");
  bind(shared, "/unbindable", R"("bind", "unbindable")");

  const auto seen = facts();

  EXPECT_EQ(mount_text(seen, "/private", "propagation"), "");
  EXPECT_EQ(mount_text(seen, "/shared", "propagation"), "shared");
  EXPECT_EQ(mount_text(seen, "/unbindable", "propagation"), "unbindable");
}

TEST_F(OciMounts, tmpfs_when_it_copies_up_then_the_directorys_files_are_in_it) {
  std::filesystem::create_directory(bundle().rootfs("/state"));
  bundle().add_file("/state/file", "copied", 0640);
  bundle().add_mount(R"({"type": "tmpfs", "source": "tmpfs", "destination": "/state",
                         "options": ["tmpcopyup", "mode=0711"]})");
  bundle().set_script("cat /state/file; echo changed > /state/file");

  EXPECT_EQ(run().out, "copied");

  EXPECT_EQ(file::read_file(bundle().rootfs("/state/file")).take(), "copied");
}

TEST_F(OciMounts, tmpfs_when_it_has_options_then_they_hold) {
  bundle().add_mount(R"({"type": "tmpfs", "source": "tmpfs", "destination": "/mnt",
                         "options": ["size=1m", "mode=0700", "uid=7", "noexec"]})");

  const auto seen = facts();

  EXPECT_TRUE(has_option(options_of(seen, "/mnt"), "noexec"));
  EXPECT_TRUE(has_option(mount_text(seen, "/mnt", "super"), "size=1024k"));
  EXPECT_TRUE(has_option(mount_text(seen, "/mnt", "super"), "mode=700"));
  EXPECT_TRUE(has_option(mount_text(seen, "/mnt", "super"), "uid=7"));
}

TEST_F(OciMounts, mounts_when_listed_then_later_ones_lie_on_top) {
  bundle().add_mount(R"({"type": "tmpfs", "source": "first", "destination": "/mnt"})");
  bundle().add_mount(R"({"type": "tmpfs", "source": "second", "destination": "/mnt/inner"})");

  const auto seen = facts();

  EXPECT_NE(mount_at(seen, "/mnt"), nullptr);
  EXPECT_NE(mount_at(seen, "/mnt/inner"), nullptr);
}

TEST_F(OciMounts, masked_paths_when_given_then_files_read_empty_and_directories_are_bare) {
  bundle().add_file("/etc/secret", "secret");
  std::filesystem::create_directory(bundle().rootfs("/private"));
  bundle().add_file("/private/key", "key");
  config("linux.maskedPaths").push("/etc/secret");
  config("linux.maskedPaths").push("/private");
  config("linux.maskedPaths").push("/does/not/exist");
  bundle().set_script("wc -c < /etc/secret; ls /private | wc -l; touch /private/x || echo refused");

  EXPECT_EQ(run().out, "0\n0\nrefused\n");
}

TEST_F(OciMounts, readonly_paths_when_given_then_they_can_be_read_and_not_written) {
  std::filesystem::create_directory(bundle().rootfs("/frozen"));
  bundle().add_file("/frozen/file", "content");
  config("linux.readonlyPaths").push("/frozen");
  bundle().set_script(
      "cat /frozen/file; touch /frozen/x 2>/dev/null || echo ' refused'; "
      "echo 1 2>/dev/null > /proc/sys/kernel/domainname || echo refused");

  EXPECT_EQ(run().out, "content refused\nrefused\n");
}

TEST_F(OciMounts, root_when_read_only_then_writes_fail_and_mounts_stay_writable) {
  config("root.readonly") = true;
  bundle().set_script("touch /x 2>/dev/null || echo refused; touch /dev/shm/x && echo written");

  EXPECT_EQ(run().out, "refused\nwritten\n");
}

TEST_F(OciMounts, rootfs_propagation_when_given_then_the_root_has_it) {
  EXPECT_EQ(mount_text(facts(), "/", "propagation"), "");
  config("linux.rootfsPropagation") = "shared";
  EXPECT_EQ(mount_text(facts(), "/", "propagation"), "shared");
}

TEST_F(OciMounts, devices_when_none_are_listed_then_the_default_ones_are_there_and_work) {
  bundle().set_script(
      "for d in null zero full random urandom tty; do "
      "test -c /dev/$d || echo no $d; done; "
      "test -L /dev/ptmx -o -c /dev/ptmx || echo no ptmx; "
      "for l in fd stdin stdout stderr; do test -L /dev/$l || echo no $l; done; "
      "echo gone > /dev/null; head -c 3 /dev/zero | wc -c; "
      "echo full 2>/dev/null > /dev/full || echo refused");

  EXPECT_EQ(run().out, "3\nrefused\n");
}

TEST_F(OciMounts, devices_when_listed_then_they_have_type_numbers_mode_and_owner) {
  config("linux.devices") = fixtures::json_of(R"([
      {"path": "/dev/mine", "type": "c", "major": 1, "minor": 7, "fileMode": 416,
       "uid": 11, "gid": 12},
      {"path": "/dev/pipe", "type": "p"}])");
  bundle().set_script("ls -ln /dev/mine; test -p /dev/pipe && echo pipe");

  const Output output = run();

  EXPECT_TRUE(output.out.starts_with("crw-r-----    1 11       12          1,   7"))
      << output.out << output.err;
  EXPECT_TRUE(output.out.ends_with("pipe\n"));
}

TEST_F(OciMounts, devices_when_the_cgroup_forbids_them_then_they_cannot_be_opened) {
  // 1:11 is kmsg, which docker's rules do not name.
  config("linux.devices") = fixtures::json_of(
      R"([{"path": "/dev/kernel-messages", "type": "c", "major": 1, "minor": 11}])");
  bundle().set_script("head -c 1 /dev/kernel-messages 2>/dev/null || echo refused");

  EXPECT_EQ(run().out, "refused\n");
}

TEST_F(OciMounts, mount_when_its_type_is_unknown_then_create_fails_and_leaves_nothing) {
  bundle().add_mount(R"({"type": "nonsensefs", "source": "x", "destination": "/mnt"})");
  EXPECT_NE(create().code, 0);
  EXPECT_TRUE(state().is_null());
}

}  // namespace
}  // namespace proa
