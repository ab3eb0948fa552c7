// Namespaces, id mappings, sysctls and cgroups.
// Spec: OCI runtime 1.3, config-linux.md
#include <sys/stat.h>

#include <filesystem>

#include "kernel/file/file.h"
#include "tests/fixtures/container.h"

namespace proa {
namespace {

using fixtures::json_of;
using fixtures::Output;
using fixtures::text_at;

std::string namespace_of(pid_t pid, std::string_view name) {
  return std::filesystem::read_symlink(cat("/proc/", pid, "/ns/", name));
}

class OciNamespaces : public fixtures::ContainerTest {
 protected:
  // A cgroup directory of ours in one of the v1 hierarchies; "" where it is not v1.
  static std::string v1_cgroup(std::string_view controller, std::string_view path) {
    const std::string hierarchy = cat("/sys/fs/cgroup/", controller);
    return std::filesystem::exists(cat(hierarchy, "/cgroup.procs")) ? cat(hierarchy, path) : "";
  }
};

TEST_F(OciNamespaces, namespaces_when_listed_then_each_is_a_new_one) {
  const auto seen = facts();

  for (const char* name : {"mnt", "pid", "net", "ipc", "uts", "cgroup"}) {
    EXPECT_NE(text_at(seen, cat("namespaces.", name)), namespace_of(::getpid(), name)) << name;
  }
  EXPECT_EQ(text_at(seen, "namespaces.user"), namespace_of(::getpid(), "user"));
  EXPECT_EQ(text_at(seen, "pid"), "1");
}

TEST_F(OciNamespaces, namespaces_when_not_listed_then_the_runtimes_are_kept) {
  for (const char* type : {"network", "ipc", "cgroup"}) bundle().drop_namespace(type);

  const auto seen = facts();

  for (const char* name : {"net", "ipc", "cgroup"}) {
    EXPECT_EQ(text_at(seen, cat("namespaces.", name)), namespace_of(::getpid(), name)) << name;
  }
}

TEST_F(OciNamespaces, namespaces_when_a_path_is_given_then_that_one_is_joined) {
  launch_probe();
  const pid_t first = init_pid();
  for (const auto& [type, name] :
       {std::pair("network", "net"), std::pair("ipc", "ipc"), std::pair("uts", "uts")}) {
    bundle().set_namespace_path(type, cat("/proc/", first, "/ns/", name));
  }
  bundle().set_args({"/bin/probe"});
  bundle().write();

  const Output second = runtime({"run", "--bundle", bundle().path(), cat(id(), "-second")});

  ASSERT_EQ(second.code, 0) << second.err;
  const auto seen = json_of(second.out);
  for (const char* name : {"net", "ipc", "uts"}) {
    EXPECT_EQ(text_at(seen, cat("namespaces.", name)), namespace_of(first, name)) << name;
  }
}

TEST_F(OciNamespaces, namespaces_when_the_path_is_of_another_kind_then_create_fails) {
  bundle().set_namespace_path("network", "/proc/self/ns/uts");
  EXPECT_NE(create().code, 0);
  EXPECT_TRUE(state().is_null());
}

TEST_F(OciNamespaces, namespaces_when_a_type_is_listed_twice_then_create_fails) {
  config("linux.namespaces").push(json_of(R"({"type": "pid"})"));
  EXPECT_NE(create().code, 0);
}

TEST_F(OciNamespaces, user_namespace_when_mapped_then_root_inside_is_another_outside) {
  config("linux.namespaces").push(json_of(R"({"type": "user"})"));
  for (const char* mappings : {"linux.uidMappings", "linux.gidMappings"}) {
    config(mappings) = json_of(R"([{"containerID": 0, "hostID": 300000, "size": 1000}])");
  }
  ASSERT_EQ(::chmod(scratch().c_str(), 0755), 0);

  const auto seen = launch_probe();

  EXPECT_EQ(text_at(seen, "uid"), "0");
  EXPECT_NE(text_at(seen, "namespaces.user"), namespace_of(::getpid(), "user"));
  struct stat status{};
  ASSERT_EQ(::stat(cat("/proc/", init_pid()).c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 300000u);
  EXPECT_EQ(file::read_file(cat("/proc/", init_pid(), "/uid_map")).take(),
            "         0     300000       1000\n");
}

TEST_F(OciNamespaces, user_namespace_when_it_owns_the_network_then_its_root_rules_there) {
  config("linux.namespaces").push(json_of(R"({"type": "user"})"));
  for (const char* mappings : {"linux.uidMappings", "linux.gidMappings"}) {
    config(mappings) = json_of(R"([{"containerID": 0, "hostID": 300000, "size": 1000}])");
  }
  config("linux.sysctl").set("net.ipv4.ip_unprivileged_port_start", "0");
  bundle().set_args({"/bin/cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"});

  const Output output = run();

  EXPECT_EQ(output.out, "0\n") << output.err;
}

TEST_F(OciNamespaces, sysctl_when_of_a_new_namespace_then_it_is_set) {
  config("linux.sysctl").set("net.ipv4.ip_forward", "1");
  config("linux.sysctl").set("kernel.msgmax", "12345");
  bundle().set_args({"/bin/cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/msgmax"});

  EXPECT_EQ(run().out, "1\n12345\n");
}

TEST_F(OciNamespaces, sysctl_when_it_would_change_the_host_then_create_fails) {
  const std::string before = file::read_file("/proc/sys/net/ipv4/ip_forward").take();
  bundle().drop_namespace("network");
  config("linux.sysctl").set("net.ipv4.ip_forward", before == "0\n" ? "1" : "0");

  EXPECT_NE(create().code, 0);

  EXPECT_EQ(file::read_file("/proc/sys/net/ipv4/ip_forward").take(), before);
}

TEST_F(OciNamespaces, sysctl_when_the_name_leaves_its_tree_then_create_fails) {
  for (const char* name : {"net/../kernel/panic", "net...kernel.panic", "vm.swappiness"}) {
    config("linux.sysctl") = json::Value::object();
    config("linux.sysctl").set(name, "1");
    EXPECT_NE(create().code, 0) << name;
  }
}

// The parent is shared with other containers: no runtime removes it.
void remove_parents() {
  ::rmdir("/sys/fs/cgroup/proa-test-parent");
  for (const auto& hierarchy : std::filesystem::directory_iterator("/sys/fs/cgroup")) {
    ::rmdir(cat(hierarchy.path().string(), "/proa-test-parent").c_str());
  }
}

TEST_F(OciNamespaces, cgroups_path_when_absolute_then_the_container_is_there_until_deleted) {
  const std::string path = cat("/proa-test-parent/", id());
  config("linux.cgroupsPath") = path;
  config("linux.resources.pids.limit") = 77;
  launch_probe();

  const std::string cgroup = v1_cgroup("pids", path);
  if (cgroup.empty()) {
    EXPECT_EQ(runtime({"delete", "--force", id()}).code, 0);
    remove_parents();
    GTEST_SKIP() << "needs the v1 pids controller";
  }
  EXPECT_EQ(file::read_file(cat(cgroup, "/pids.max")).take(), "77\n");
  EXPECT_EQ(file::read_file(cat(cgroup, "/cgroup.procs")).take(), cat(init_pid(), "\n"));

  EXPECT_EQ(runtime({"delete", "--force", id()}).code, 0);
  EXPECT_FALSE(std::filesystem::exists(cgroup));
  remove_parents();
}

TEST_F(OciNamespaces, memory_limit_when_given_then_the_cgroup_has_it) {
  const std::string path = cat("/", id());
  config("linux.cgroupsPath") = path;
  config("linux.resources.memory") = json_of(R"({"limit": 67108864, "reservation": 33554432})");
  config("linux.resources.cpu") = json_of(R"({"shares": 512, "quota": 50000, "period": 100000})");
  launch_probe();

  const std::string memory = v1_cgroup("memory", path);
  if (memory.empty()) GTEST_SKIP() << "needs the v1 memory controller";
  EXPECT_EQ(file::read_file(cat(memory, "/memory.limit_in_bytes")).take(), "67108864\n");
  EXPECT_EQ(file::read_file(cat(memory, "/memory.soft_limit_in_bytes")).take(), "33554432\n");
  EXPECT_EQ(file::read_file(cat(v1_cgroup("cpu", path), "/cpu.shares")).take(), "512\n");
  EXPECT_EQ(file::read_file(cat(v1_cgroup("cpu", path), "/cpu.cfs_quota_us")).take(), "50000\n");
}

TEST_F(OciNamespaces, update_when_a_limit_changes_then_the_running_container_has_it) {
  const std::string path = cat("/", id());
  config("linux.cgroupsPath") = path;
  config("linux.resources.memory.limit") = 67108864;
  config("linux.resources.pids.limit") = 50;
  launch_probe();
  if (v1_cgroup("memory", path).empty()) GTEST_SKIP() << "needs the v1 memory controller";

  const Output output = runtime({"update", "--memory", "134217728", "--pids-limit", "60", id()});

  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(file::read_file(cat(v1_cgroup("memory", path), "/memory.limit_in_bytes")).take(),
            "134217728\n");
  EXPECT_EQ(file::read_file(cat(v1_cgroup("pids", path), "/pids.max")).take(), "60\n");
}

TEST_F(OciNamespaces, update_when_resources_come_as_json_then_they_are_applied) {
  const std::string path = cat("/", id());
  config("linux.cgroupsPath") = path;
  config("linux.resources.pids.limit") = 50;
  launch_probe();
  if (v1_cgroup("pids", path).empty()) GTEST_SKIP() << "needs the v1 pids controller";
  auto command = this->command({"update", "--resources", "-", id()});
  command.input = R"({"pids": {"limit": 61}})";

  const Output output = fixtures::run(command);

  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(file::read_file(cat(v1_cgroup("pids", path), "/pids.max")).take(), "61\n");
}

TEST_F(OciNamespaces, pause_when_resumed_then_the_process_goes_on) {
  launch_probe();

  EXPECT_EQ(runtime({"pause", id()}).code, 0);
  EXPECT_EQ(status(), "paused");
  EXPECT_EQ(runtime({"resume", id()}).code, 0);
  EXPECT_EQ(status(), "running");
}

TEST_F(OciNamespaces, delete_force_when_paused_then_it_is_gone) {
  launch_probe();
  ASSERT_EQ(runtime({"pause", id()}).code, 0);

  EXPECT_EQ(runtime({"delete", "--force", id()}).code, 0);

  EXPECT_TRUE(state().is_null());
}

TEST_F(OciNamespaces, ps_when_running_then_it_lists_the_containers_processes) {
  launch_probe();

  const Output output = runtime({"ps", "--format", "json", id()});

  EXPECT_EQ(output.out, cat("[", init_pid(), "]\n")) << output.err;
}

TEST_F(OciNamespaces, events_when_asked_for_once_then_statistics_are_printed) {
  config("linux.resources.pids.limit") = 50;
  launch_probe();

  const Output output = runtime({"events", "--stats", id()});

  ASSERT_EQ(output.code, 0) << output.err;
  const auto stats = json_of(output.out);
  EXPECT_EQ(text_at(stats, "type"), "stats");
  EXPECT_EQ(text_at(stats, "id"), id());
  EXPECT_EQ(text_at(stats, "data.pids.current"), "1");
  EXPECT_EQ(text_at(stats, "data.pids.limit"), "50");
}

TEST_F(OciNamespaces, features_when_asked_for_then_they_are_those_of_the_specification) {
  const Output output = runtime({"features"});

  ASSERT_EQ(output.code, 0) << output.err;
  const auto features = json_of(output.out);
  EXPECT_FALSE(text_at(features, "ociVersionMin").empty());
  EXPECT_FALSE(text_at(features, "ociVersionMax").empty());
  EXPECT_NE(text_at(features, "hooks").find("createRuntime"), std::string::npos);
  EXPECT_NE(text_at(features, "mountOptions").find("\"rbind\""), std::string::npos);
  EXPECT_NE(text_at(features, "linux.namespaces").find("\"network\""), std::string::npos);
  EXPECT_NE(text_at(features, "linux.capabilities").find("\"CAP_CHOWN\""), std::string::npos);
  EXPECT_EQ(text_at(features, "linux.seccomp.enabled"), "true");
}

// The root is the container's all the same, and nothing stays mounted.
TEST_F(OciNamespaces, mount_when_there_is_no_namespace_then_the_root_is_the_containers) {
  bundle().drop_namespace("mount");
  bundle().add_file("/etc/mark", "inside");
  bundle().set_script("cat /etc/mark; test -d /proc/1 && echo proc; readlink /proc/self/ns/mnt");
  const std::string here = file::read_link_at(FdRef::cwd(), "/proc/self/ns/mnt").take();

  const Output output = run();

  EXPECT_EQ(output.out, cat("insideproc\n", here, "\n")) << output.err;
  EXPECT_EQ(file::read_file("/proc/self/mountinfo").take().find(bundle().path()),
            std::string::npos);
}

TEST_F(OciNamespaces, root_when_there_are_neither_mounts_nor_namespace_then_it_is_not_the_hosts) {
  bundle().drop_namespace("mount");
  bundle().add_file("/etc/mark", "inside");
  for (const char* list : {"mounts", "linux.maskedPaths", "linux.readonlyPaths"}) {
    config(list) = json::Value::array();
  }
  bundle().set_args({"/bin/cat", "/etc/mark"});

  EXPECT_EQ(run().out, "inside");
}

}  // namespace
}  // namespace proa
