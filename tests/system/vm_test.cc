// What only a virtual machine has: a kernel of its own, what it is refused, and what becomes of it
// when its guest or a process that carries it dies.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "base/number.h"
#include "kernel/file/file.h"
#include "tests/fixtures/engine.h"

namespace proa {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

using fixtures::kTestImage;
using fixtures::Output;
using std::chrono::seconds;

class MachineTest : public fixtures::EngineTest {
 protected:
  Output run(std::vector<std::string> words) {
    words.insert(words.begin(), {"run", "--runtime", "vm", "--network", "none"});
    return engine().docker(words);
  }
  void start_box(std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"-d", "--name", "box"});
    options.insert(options.end(), {kTestImage, "sleep", "600"});
    const Output started = run(std::move(options));
    ASSERT_EQ(started.code, 0) << started.err;
  }
  template <typename Condition>
  static bool eventually(Condition holds) {
    return fixtures::eventually(std::move(holds), seconds(60));
  }
  bool ends(const std::string& name) {
    return eventually([&] { return field(name, "{{.State.Status}}") == "exited"; });
  }
  // The processes of that name in the workload's cgroup.
  std::vector<pid_t> carriers(const std::string& name, std::string_view program) {
    std::vector<pid_t> found;
    const std::string id = field(name, "{{.Id}}");
    const Fd processes = file::open("/proc", O_RDONLY | O_DIRECTORY).take();
    for (const std::string& entry : file::list(processes).take()) {
      const auto pid = parse_number<pid_t>(entry);
      if (!pid.ok()) continue;
      const auto cgroup = file::read_file(cat("/proc/", entry, "/cgroup"));
      const auto comm = file::read_file(cat("/proc/", entry, "/comm"));
      if (cgroup.ok() && comm.ok() && cgroup.value().find(id) != std::string::npos &&
          comm.value().starts_with(program)) {
        found.push_back(pid.value());
      }
    }
    return found;
  }
  // Kills one of them, and all its threads.
  void kill_carrier(const std::string& name, std::string_view program) {
    const std::vector<pid_t> found = carriers(name, program);
    ASSERT_FALSE(found.empty()) << program;
    ASSERT_EQ(::kill(found.front(), SIGKILL), 0);
  }
  void expect_nothing_left(const std::string& name) {
    EXPECT_TRUE(eventually([&] { return carriers(name, "").empty(); }));
    const std::string id = field(name, "{{.Id}}");
    EXPECT_TRUE(eventually([&] { return fixtures::Engine::shim_of(id) == 0; }));
  }
};

TEST_F(MachineTest, it_has_a_kernel_memory_and_processors_of_its_own) {
  const Output facts = run({"--rm", "-m", "64m", "--cpus", "1.5", kTestImage, "sh", "-c",
                            "uname -r; nproc; grep MemTotal /proc/meminfo | tr -dc 0-9"});
  ASSERT_EQ(facts.code, 0) << facts.err;
  const auto lines = split(facts.out, '\n');
  ASSERT_EQ(lines.size(), 3U) << facts.out;
  EXPECT_NE(lines[0], trim(fixtures::run({.arguments = {"/bin/uname", "-r"}}).out));
  EXPECT_EQ(lines[1], cat(std::min(2U, std::thread::hardware_concurrency())));
  // What was asked for and room for the guest's own kernel, which takes a part before it counts.
  const auto total = parse_number<std::uint64_t>(lines[2]);
  ASSERT_OK(total);
  EXPECT_GT(total.value(), 64U << 10);
  EXPECT_LE(total.value(), (64U + 96U) << 10);
}

TEST_F(MachineTest, what_it_cannot_have_is_refused_with_the_reason) {
  struct Case {
    std::vector<std::string> words;
    const char* says;
  };
  const Case kCases[] = {
      {{"--pid", "host"}, "--pid host: a virtual machine has a kernel of its own"},
      {{"--ipc", "host"}, "--ipc host: a virtual machine has a kernel of its own"},
      {{"--uts", "host"}, "--uts host: a virtual machine has a kernel of its own"},
      {{"--device", "/dev/null:/dev/mine"}, "a virtual machine has no devices of the host"},
      {{"--oom-kill-disable"}, "--oom-kill-disable: not for a virtual machine"},
      {{"--memory", "90000g"}, "does not fit this host"},
      {{"--label", "proa.vm.kernel=none-such"}, "no guest kernel"},
      {{"--label", "proa.vm.kernel=../x"}, "names no guest kernel"},
      {{"--label", "proa.hypervisor=other"}, "is not one of auto, kvm, hosted"},
      {{"--label", "proa.isolation-min=most"}, "is not one of container, vm-emulated, vm"},
  };
  for (const Case& each : kCases) {
    std::vector<std::string> words = each.words;
    words.insert(words.end(), {kTestImage, "true"});
    const Output refused = run(words);
    EXPECT_EQ(refused.code, 125) << each.says;
    EXPECT_THAT(refused.err, HasSubstr(each.says));
    docker({"container", "prune", "-f"});
  }
  for (const char* network : {"host", "container:other"}) {
    const Output refused = engine().docker(
        {"run", "--rm", "--runtime", "vm", "--network", network, kTestImage, "true"});
    EXPECT_EQ(refused.code, 125);
    EXPECT_THAT(refused.err, AnyOf(HasSubstr("a virtual machine has a kernel of its own"),
                                   HasSubstr("No such container")));
  }
}

TEST_F(MachineTest, what_only_a_machine_gives_is_refused_to_a_container_with_the_way_out) {
  struct Case {
    std::vector<std::string> words;
    const char* says;
  };
  const Case kCases[] = {
      {{"--isolation-min", "vm"},
       "--isolation-min vm (proa.isolation-min): a container gives less isolation; "
       "use --runtime vm"},
      {{"--label", "proa.isolation-min=vm-emulated"}, "--isolation-min vm-emulated"},
      {{"--annotation", "proa.isolation-min=most"}, "is not one of container, vm-emulated, vm"},
      {{"--runtime", "runc", "--hypervisor", "kvm"},
       "--hypervisor kvm (proa.hypervisor): only a virtual machine has this; use --runtime vm"},
      {{"--label", "proa.hypervisor=hosted"}, "--hypervisor hosted"},
      {{"--kernel", "k"}, "--kernel k (proa.vm.kernel): only a virtual machine has this"},
      {{"--annotation", "proa.vm.other=1"}, "proa.vm.other: only a virtual machine has this"},
  };
  for (const Case& each : kCases) {
    std::vector<std::string> words = {"run", "--rm", "--network", "none"};
    words.insert(words.end(), each.words.begin(), each.words.end());
    words.insert(words.end(), {kTestImage, "true"});
    const Output refused = engine().proa(words);
    EXPECT_EQ(refused.code, 125) << each.says;
    EXPECT_THAT(refused.err, HasSubstr(each.says));
  }
  EXPECT_EQ(docker({"ps", "-aq"}), "");
  const Output allowed = engine().proa({"run", "--rm", "--network", "none", "--isolation-min",
                                        "container", kTestImage, "echo", "ran"});
  EXPECT_EQ(allowed.out, "ran\n") << allowed.err;
}

TEST_F(MachineTest, an_image_that_wants_a_machine_gets_no_container) {
  ASSERT_OK(file::replace_file(
      FdRef::cwd(), engine().scratch() + "/Dockerfile",
      cat("FROM ", kTestImage, "\nLABEL proa.isolation-min=vm-emulated proa.hypervisor=auto\n"),
      0644, file::Durable::no));
  ASSERT_EQ(engine().proa({"build", "-q", "-t", "wary", engine().scratch()}).code, 0);
  const Output refused = engine().docker({"run", "--rm", "--network", "none", "wary", "true"});
  EXPECT_EQ(refused.code, 125);
  EXPECT_THAT(refused.err, HasSubstr("use --runtime vm"));
  // Whoever runs it has the last word, and a hypervisor in an image's label is no order.
  EXPECT_EQ(docker({"run", "--rm", "--network", "none", "--label", "proa.isolation-min=container",
                    "wary", "echo", "ran"}),
            "ran");
}

TEST_F(MachineTest, a_paused_one_hears_of_its_window_when_it_goes_on) {
  start_box({"-t"});
  docker({"pause", "box"});
  const Output resized = engine().request("POST", "/v1.43/containers/box/resize?h=33&w=44");
  EXPECT_EQ(resized.code, 200) << resized.out;
  docker({"unpause", "box"});
  EXPECT_TRUE(fixtures::eventually(
      [&] { return docker({"exec", "box", "stty", "-F", "/dev/console", "size"}) == "33 44"; }));
}

TEST_F(MachineTest, less_isolation_than_asked_for_is_refused) {
  const Output refused = run({"--rm", "--label", "proa.isolation-min=vm", kTestImage, "true"});
  const std::string doctor = engine().proa({"doctor"}).out;
  if (doctor.find("vm-emulated") == std::string::npos) {
    EXPECT_EQ(refused.code, 0) << refused.err;
  } else {
    EXPECT_EQ(refused.code, 125);
    EXPECT_THAT(refused.err,
                HasSubstr("isolation 'vm' is asked for, and this host has vm-emulated"));
  }
}

TEST_F(MachineTest, a_panic_of_its_kernel_ends_it_and_is_told) {
  start_box({"--security-opt", "systempaths=unconfined"});
  engine().docker({"exec", "box", "sh", "-c", "echo c >/proc/sysrq-trigger"});
  ASSERT_TRUE(ends("box"));
  EXPECT_EQ(field("box", "{{.State.ExitCode}} {{.State.Error}}"),
            "255 the virtual machine ended: the guest's kernel stopped (panic)");
  expect_nothing_left("box");
}

TEST_F(MachineTest, files_of_a_stopped_one_are_read_without_its_guest) {
  start_box({"-v", "data:/data"});
  docker(
      {"exec", "box", "sh", "-c",
       "mkdir -m 700 /made; echo first >/made/file; ln -s file /made/link; chown 5:6 /made/file; "
       "rm /etc/passwd; echo shared >/data/file"});
  docker({"stop", "-t", "0", "box"});
  for (const char* path : {"/made/link", "/data/file"}) {
    const Output copied = engine().docker({"cp", "-L", cat("box:", path), "-"});
    EXPECT_EQ(copied.code, 0) << copied.err;
    EXPECT_THAT(copied.out, HasSubstr(path == std::string_view("/data/file") ? "shared" : "first"));
  }
  EXPECT_EQ(docker({"diff", "box"}), "C /etc\nD /etc/passwd\nA /made\nA /made/file\nA /made/link");
  const Output missing = engine().docker({"cp", "box:/etc/passwd", "-"});
  EXPECT_NE(missing.code, 0);
  const Output exported =
      fixtures::run({.arguments = {"/bin/sh", "-c",
                                   cat("docker -H unix://", engine().socket(),
                                       " export box | tar -tv --numeric-owner")}});
  EXPECT_THAT(exported.out, HasSubstr(" 5/6 "));
  EXPECT_TRUE(carriers("box", "qemu-system").empty());

  docker({"start", "box"});
  EXPECT_EQ(docker({"exec", "box", "cat", "/made/file"}), "first");
  docker({"exec", "box", "sh", "-c", "echo second >/made/file"});
  docker({"stop", "-t", "0", "box"});
  EXPECT_THAT(engine().docker({"cp", "box:/made/file", "-"}).out, HasSubstr("second"));
  EXPECT_TRUE(carriers("box", "qemu-system").empty());
}

// What was in the middle of its work has its journal replayed by its own guest first.
TEST_F(MachineTest, files_of_a_killed_one_are_read_after_its_guest_has_looked) {
  start_box();
  docker({"exec", "box", "sh", "-c", "echo kept >/file; sync"});
  kill_carrier("box", "qemu-system");
  ASSERT_TRUE(ends("box"));
  const Output copied = engine().docker({"cp", "box:/file", "-"});
  EXPECT_EQ(copied.code, 0) << copied.err;
  EXPECT_THAT(copied.out, HasSubstr("kept"));
}

// Its guest goes while it is asked, is booted anew, and starts the workload over what is asked for.
TEST_F(MachineTest, files_of_one_that_restarts_are_found_all_the_same) {
  start_box({"--restart", "always"});
  for (int turn = 0; turn < 3; ++turn) {
    ASSERT_TRUE(eventually([&] { return !carriers("box", "qemu-system").empty(); }));
    kill_carrier("box", "qemu-system");
    for (int look = 0; look < 10; ++look) {
      const Output found =
          engine().request("HEAD", "/v1.43/containers/box/archive?path=/etc/passwd");
      EXPECT_EQ(found.code, 200) << turn << " " << look << ": " << found.out;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
  }
}

TEST_F(MachineTest, when_its_emulator_is_killed_it_ends_and_its_policy_decides) {
  start_box({"--restart", "on-failure:1"});
  EXPECT_EQ(field("box", "{{.State.Pid}}"), cat(carriers("box", "qemu-system").front()));
  kill_carrier("box", "qemu-system");
  ASSERT_TRUE(eventually(
      [&] { return field("box", "{{.RestartCount}} {{.State.Status}}") == "1 running"; }));
  EXPECT_EQ(docker({"exec", "box", "echo", "again"}), "again");
  kill_carrier("box", "qemu-system");
  ASSERT_TRUE(ends("box"));
  EXPECT_EQ(field("box", "{{.State.ExitCode}} {{.State.Error}}"),
            "137 the virtual machine ended: QEMU was killed by signal 9");
  expect_nothing_left("box");
}

TEST_F(MachineTest, when_its_file_server_is_killed_it_ends_and_this_is_told) {
  start_box({"-v", "data:/data"});
  docker({"exec", "box", "touch", "/data/file"});
  kill_carrier("box", "virtiofsd");
  ASSERT_TRUE(ends("box"));
  EXPECT_EQ(field("box", "{{.State.ExitCode}}"), "137");
  EXPECT_THAT(field("box", "{{.State.Error}}"), HasSubstr("virtiofsd"));
  expect_nothing_left("box");
}

TEST_F(MachineTest, when_the_hosts_disk_is_full_it_waits_for_room_and_this_is_told) {
  const auto disk = fixtures::SmallDisk::below(engine(), 100);
  ASSERT_OK(disk);
  start_box();
  ASSERT_OK(disk.value().fill());
  docker({"exec", "-d", "box", "sh", "-c",
          "dd if=/dev/urandom of=/file bs=64k count=128 && sync && wc -c </file >/size"});
  EXPECT_TRUE(eventually([&] {
    return engine().log().find(cat(field("box", "{{.Id}}"), ": the virtual machine waits")) !=
           std::string::npos;
  }));
  ASSERT_OK(disk.value().make_room());
  EXPECT_TRUE(eventually(
      [&] { return trim(engine().docker({"exec", "box", "cat", "/size"}).out) == cat(8 << 20); }));
  docker({"rm", "-f", "box"});
}

// The host's cgroup holds the machine as a whole; here it holds less than the machine was promised.
TEST_F(MachineTest, when_the_hosts_limit_is_reached_it_ends_and_this_is_told) {
  start_box({"-m", "200m"});
  const std::string id = field("box", "{{.Id}}");
  const Output found =
      fixtures::run({.arguments = {"/bin/sh", "-c",
                                   cat("ls -d /sys/fs/cgroup/memory/proa*/", id,
                                       " /sys/fs/cgroup/proa*/", id, " 2>/dev/null | head -n 1")}});
  const std::string group(trim(found.out));
  ASSERT_NE(group, "");
  const bool v1 = file::exists(group + "/memory.limit_in_bytes");
  const auto usage = file::read_file(cat(group, v1 ? "/memory.usage_in_bytes" : "/memory.current"));
  ASSERT_OK(usage);
  const auto bytes = parse_number<std::uint64_t>(trim(usage.value()));
  ASSERT_OK(bytes);
  std::ofstream(cat(group, v1 ? "/memory.limit_in_bytes" : "/memory.max"))
      << bytes.value() + (std::uint64_t{8} << 20);
  engine().docker({"exec", "box", "tail", "/dev/zero"});
  ASSERT_TRUE(ends("box"));
  EXPECT_EQ(field("box", "{{.State.OOMKilled}} {{.State.ExitCode}}"), "true 137");
  expect_nothing_left("box");
}

}  // namespace
}  // namespace proa
