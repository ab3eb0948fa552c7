#include "api/docker/body/config_body.h"

#include <gmock/gmock.h>

#include "api/docker/body/mount_body.h"

namespace proa::api::docker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<CreateBody> read(std::string_view text) {
  return read_create(json::parse(text, "body").value(), {});
}

engine::Config config_of(std::string_view text) {
  auto body = read(text);
  EXPECT_TRUE(body.ok()) << body.error().message();
  return body.take().config;
}

TEST(ReadCreate, what_dockers_client_sends_for_run_is_understood) {
  const engine::Config config = config_of(R"({
    "Hostname":"","Domainname":"","User":"1000:1000","AttachStdin":true,"AttachStdout":true,
    "AttachStderr":true,"ExposedPorts":{"80/tcp":{},"53/udp":{}},"Tty":true,"OpenStdin":true,
    "StdinOnce":true,"Env":["A=b"],"Cmd":["sh","-c","true"],"Image":"app","Volumes":{"/data":{}},
    "WorkingDir":"/srv","Entrypoint":null,"Labels":{"x":"y","proa.hypervisor":"kvm"},
    "StopSignal":"SIGINT","StopTimeout":3,"Healthcheck":{"Test":["CMD-SHELL","true"],
    "Interval":2000000000},
    "HostConfig":{"Binds":["/srv:/x:ro","vol:/v"],"NetworkMode":"default",
      "PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]},
      "RestartPolicy":{"Name":"on-failure","MaximumRetryCount":5},
      "Memory":67108864,"NanoCpus":500000000,"PidsLimit":20,"Ulimits":[{"Name":"nofile",
      "Soft":10,"Hard":20}],"CapAdd":["NET_ADMIN"],"Runtime":"vm","Init":true,
      "LogConfig":{"Type":"","Config":{"max-size":"10m"}},"ConsoleSize":[24,80],
      "OomScoreAdj":0,"ShmSize":0,"DeviceRequests":null,"Devices":[],"UnknownField":{"a":1}},
    "NetworkingConfig":{"EndpointsConfig":{"net":{"Aliases":["db"],
      "IPAMConfig":{"IPv4Address":"10.1.2.3"}}}}})");
  EXPECT_EQ(config.user, "1000:1000");
  EXPECT_TRUE(config.terminal && config.open_input && config.input_once && config.init);
  EXPECT_FALSE(config.entrypoint);
  EXPECT_THAT(*config.command, ElementsAre("sh", "-c", "true"));
  EXPECT_THAT(config.exposed_ports, ElementsAre("80/tcp", "53/udp"));
  EXPECT_THAT(config.image_volumes, ElementsAre("/data"));
  EXPECT_EQ(config.stop_timeout, 3);
  EXPECT_EQ(config.console_size, (wire::WindowSize{.columns = 80, .rows = 24}));
  EXPECT_EQ(config.health->interval, 2'000'000'000);
  EXPECT_EQ(config.health->timeout, 30'000'000'000);
  ASSERT_EQ(config.mounts.size(), 2U);
  EXPECT_EQ(config.mounts[0].kind, engine::MountKind::bind);
  EXPECT_TRUE(config.mounts[0].read_only && config.mounts[0].make_source);
  EXPECT_EQ(config.mounts[1].kind, engine::MountKind::volume);
  EXPECT_EQ(config.mounts[1].source, "vol");
  ASSERT_EQ(config.ports.size(), 1U);
  EXPECT_EQ(config.ports[0].host_port, 8080);
  EXPECT_EQ(config.restart.mode, wire::RestartMode::on_failure);
  EXPECT_EQ(config.restart.maximum_retries, 5U);
  EXPECT_EQ(config.limits.memory, 64 << 20);
  EXPECT_EQ(config.limits.pids, 20);
  EXPECT_EQ(config.ulimits[0].soft, 10);
  EXPECT_EQ(config.hull, wire::HullKind::vm);
  EXPECT_EQ(config.annotations.at("proa.hypervisor"), "kvm");
  EXPECT_EQ(config.log.maximum_size, 10U << 20);
  EXPECT_EQ(config.shm_size, 64 << 20);
  ASSERT_EQ(config.networks.size(), 1U);
  EXPECT_EQ(config.networks[0].ipv4, "10.1.2.3");
}

TEST(ReadCreate, one_word_is_a_command_and_an_empty_list_clears_the_images) {
  EXPECT_THAT(*config_of(R"({"Image":"a","Cmd":"ls"})").command, ElementsAre("ls"));
  EXPECT_THAT(*config_of(R"({"Image":"a","Entrypoint":[]})").entrypoint, ElementsAre());
  EXPECT_FALSE(config_of(R"({"Image":"a","Cmd":null})").command);
}

struct Refusal {
  const char* body;
  ErrorKind kind;
  const char* text;  // names the field
};

// Shapes and values that Docker's API description does not allow, each field by its name.
constexpr Refusal kRefusals[] = {
    {R"({})", ErrorKind::invalid_argument, "Image"},
    {R"({"Image":7})", ErrorKind::invalid_argument, "Image: expected a string, got an integer"},
    {R"({"Image":"a","Env":"A=b"})", ErrorKind::invalid_argument, "Env: expected an array"},
    {R"({"Image":"a","Env":[1]})", ErrorKind::invalid_argument, "Env[0]: expected a string"},
    {R"({"Image":"a","Env":["=b"]})", ErrorKind::invalid_argument, "environment variable"},
    {R"({"Image":"a","Tty":"yes"})", ErrorKind::invalid_argument, "Tty: expected a boolean"},
    {R"({"Image":"a","Labels":["x"]})", ErrorKind::invalid_argument, "Labels: expected an object"},
    {R"({"Image":"a","Cmd":{"a":1}})", ErrorKind::invalid_argument, "Cmd: expected an array"},
    {R"({"Image":"a","Volumes":["/x"]})", ErrorKind::invalid_argument, "Volumes: expected an"},
    {R"({"Image":"a","StopTimeout":"1"})", ErrorKind::invalid_argument, "StopTimeout: expected"},
    {R"({"Image":"a","ExposedPorts":{"x":{}}})", ErrorKind::invalid_argument, "ExposedPorts"},
    {R"({"Image":"a","ExposedPorts":{"80/xtp":{}}})", ErrorKind::invalid_argument, "80/xtp"},
    {R"({"Image":"a","Healthcheck":{"Test":["X"]}})", ErrorKind::invalid_argument, "Test"},
    {R"({"Image":"a","Healthcheck":{"Interval":5}})", ErrorKind::invalid_argument, "Interval"},
    {R"({"Image":"a","Healthcheck":{"Retries":-1}})", ErrorKind::invalid_argument, "Retries"},
    {R"({"Image":"a","HostConfig":[]})", ErrorKind::invalid_argument, "HostConfig"},
    {R"({"Image":"a","HostConfig":{"Memory":"1g"}})", ErrorKind::invalid_argument,
     "HostConfig.Memory: expected an integer, got a string"},
    {R"({"Image":"a","HostConfig":{"Memory":4096}})", ErrorKind::invalid_argument,
     "Minimum memory limit allowed is 6MB"},
    {R"({"Image":"a","HostConfig":{"MemorySwap":67108864}})", ErrorKind::invalid_argument,
     "always set the Memory limit"},
    {R"({"Image":"a","HostConfig":{"Memory":67108864,"MemorySwap":33554432}})",
     ErrorKind::invalid_argument, "memoryswap limit should be larger"},
    {R"({"Image":"a","HostConfig":{"MemorySwappiness":101}})", ErrorKind::invalid_argument,
     "swappiness"},
    {R"({"Image":"a","HostConfig":{"NanoCpus":1000000000000000}})", ErrorKind::invalid_argument,
     "range of CPUs"},
    {R"({"Image":"a","HostConfig":{"CpuPeriod":5}})", ErrorKind::invalid_argument, "period"},
    {R"({"Image":"a","HostConfig":{"CpuQuota":5}})", ErrorKind::invalid_argument, "quota"},
    {R"({"Image":"a","HostConfig":{"CpusetCpus":"x"}})", ErrorKind::invalid_argument, "cpuset"},
    {R"({"Image":"a","HostConfig":{"BlkioWeight":5}})", ErrorKind::invalid_argument, "weight"},
    {R"({"Image":"a","HostConfig":{"BlkioWeight":70000}})", ErrorKind::invalid_argument,
     "BlkioWeight"},
    {R"({"Image":"a","HostConfig":{"OomScoreAdj":2000}})", ErrorKind::invalid_argument, "oom"},
    {R"({"Image":"a","HostConfig":{"ShmSize":-1}})", ErrorKind::invalid_argument, "SHM"},
    {R"({"Image":"a","HostConfig":{"Binds":["x"]}})", ErrorKind::invalid_argument, "absolute"},
    {R"({"Image":"a","HostConfig":{"Binds":["/a:/b:qq"]}})", ErrorKind::invalid_argument,
     "invalid mode"},
    {R"({"Image":"a","HostConfig":{"Binds":["/a:/"]}})", ErrorKind::invalid_argument,
     "destination can't be '/'"},
    {R"({"Image":"a","HostConfig":{"Binds":["/a:/b","/c:/b"]}})", ErrorKind::invalid_argument,
     "Duplicate mount point"},
    {R"({"Image":"a","HostConfig":{"Mounts":[{"Type":"nfs","Target":"/x"}]}})",
     ErrorKind::invalid_argument, "nfs"},
    {R"({"Image":"a","HostConfig":{"Mounts":[{"Type":"bind","Target":"/x"}]}})",
     ErrorKind::invalid_argument, "Source"},
    {R"({"Image":"a","HostConfig":{"Mounts":[{"Type":"volume"}]}})", ErrorKind::invalid_argument,
     "Target"},
    {R"({"Image":"a","HostConfig":{"Mounts":[{"Type":"bind","Source":"/","Target":"/x",
      "BindOptions":{"Propagation":"up"}}]}})",
     ErrorKind::invalid_argument, "propagation"},
    {R"({"Image":"a","HostConfig":{"RestartPolicy":{"Name":"often"}}})",
     ErrorKind::invalid_argument, "restart policy"},
    {R"({"Image":"a","HostConfig":{"RestartPolicy":{"Name":"always","MaximumRetryCount":2}}})",
     ErrorKind::invalid_argument, "maximum retry count"},
    {R"({"Image":"a","HostConfig":{"AutoRemove":true,"RestartPolicy":{"Name":"always"}}})",
     ErrorKind::invalid_argument, "AutoRemove"},
    {R"({"Image":"a","HostConfig":{"LogConfig":{"Type":"syslog"}}})", ErrorKind::invalid_argument,
     "syslog"},
    {R"({"Image":"a","HostConfig":{"LogConfig":{"Config":{"max-files":"2"}}}})",
     ErrorKind::invalid_argument, "max-files"},
    {R"({"Image":"a","HostConfig":{"LogConfig":{"Config":{"max-size":"ten"}}}})",
     ErrorKind::invalid_argument, "max-size"},
    {R"({"Image":"a","HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"x"}]}}})",
     ErrorKind::invalid_argument, "HostPort"},
    {R"({"Image":"a","HostConfig":{"PortBindings":{"80/tcp":{"HostPort":"1"}}}})",
     ErrorKind::invalid_argument, "PortBindings.80/tcp: expected an array"},
    {R"({"Image":"a","HostConfig":{"ConsoleSize":[24]}})", ErrorKind::invalid_argument,
     "ConsoleSize: expected two numbers"},
    {R"({"Image":"a","HostConfig":{"ConsoleSize":[24,-1]}})", ErrorKind::invalid_argument,
     "ConsoleSize[1]"},
    {R"({"Image":"a","HostConfig":{"Isolation":"hyperv"}})", ErrorKind::invalid_argument, "hyperv"},
    {R"({"Image":"a","HostConfig":{"Runtime":"kata"}})", ErrorKind::invalid_argument, "kata"},
    {R"({"Image":"a","HostConfig":{"Ulimits":[{"Name":1}]}})", ErrorKind::invalid_argument,
     "Ulimits[0].Name"},
    {R"({"Image":"a","HostConfig":{"Links":[":y"]}})", ErrorKind::invalid_argument, "Links"},
    {R"({"Image":"a","HostConfig":{"Links":["x:y:z"]}})", ErrorKind::invalid_argument, "Links"},
    {R"({"Image":"a","HostConfig":{"NetworkMode":"host","Links":["x:y"]}})",
     ErrorKind::invalid_argument, "can't be used with links"},
    {R"({"Image":"a","HostConfig":{"DeviceRequests":[{"Count":-1}]}})", ErrorKind::unsupported,
     "DeviceRequests"},
    {R"({"Image":"a","HostConfig":{"CgroupParent":"/x"}})", ErrorKind::unsupported, "CgroupParent"},
    {R"({"Image":"a","HostConfig":{"StorageOpt":{"size":"1g"}}})", ErrorKind::unsupported,
     "StorageOpt"},
    {R"({"Image":"a","HostConfig":{"VolumeDriver":"nfs"}})", ErrorKind::not_found, "nfs"},
    {R"({"Image":"a","NetworkingConfig":{"EndpointsConfig":[]}})", ErrorKind::invalid_argument,
     "EndpointsConfig"},
};

TEST(ReadCreate, each_body_out_of_shape_is_refused_by_the_fields_name) {
  for (const Refusal& refusal : kRefusals) {
    const auto body = read(refusal.body);
    ASSERT_FALSE(body.ok()) << refusal.body;
    EXPECT_EQ(body.error().kind(), refusal.kind) << refusal.body << body.error().message();
    EXPECT_THAT(body.error().message(), HasSubstr(refusal.text)) << refusal.body;
  }
}

TEST(PrintHostConfig, what_was_asked_for_is_shown_again) {
  engine::Workload workload;
  workload.id = std::string(64, 'a');
  workload.config = config_of(R"({"Image":"a","HostConfig":{"Binds":["/srv:/x:ro","vol:/v"],
    "Tmpfs":{"/t":"size=1m"},"Mounts":[{"Type":"volume","Source":"w","Target":"/w"}],
    "Memory":67108864,"CapAdd":["SYS_TIME"],"ConsoleSize":[24,80],"Isolation":"default",
    "VolumesFrom":["other:ro"],
    "RestartPolicy":{"Name":"unless-stopped","MaximumRetryCount":0},
    "PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}}})");
  const json::Value printed = print_host_config(workload);
  EXPECT_EQ(json::print(*printed.find("Binds")), R"(["/srv:/x:ro","vol:/v"])");
  EXPECT_EQ(json::print(*printed.find("Tmpfs")), R"({"/t":"size=1m"})");
  EXPECT_EQ(json::print(*printed.find("Mounts")),
            R"([{"Type":"volume","Source":"w","Target":"/w"}])");
  EXPECT_EQ(json::print(*printed.find("Memory")), "67108864");
  EXPECT_EQ(json::print(*printed.find("CapAdd")), R"(["SYS_TIME"])");
  EXPECT_EQ(json::print(*printed.find("CapDrop")), "null");
  EXPECT_EQ(json::print(*printed.find("ConsoleSize")), "[24,80]");
  EXPECT_EQ(json::print(*printed.find("Isolation")), R"("default")");
  EXPECT_EQ(json::print(*printed.find("VolumesFrom")), R"(["other:ro"])");
  EXPECT_EQ(json::print(*printed.find("RestartPolicy")),
            R"({"Name":"unless-stopped","MaximumRetryCount":0})");
  EXPECT_EQ(json::print(*printed.find("PortBindings")),
            R"({"80/tcp":[{"HostIp":"","HostPort":"8080"}]})");
}

TEST(ReadUpdate, what_is_zero_stays_as_it_is) {
  engine::Limits now{.memory = 64 << 20, .cpu_shares = 5};
  const auto body = json::parse(
      R"({"Memory":0,"CpuShares":7,"PidsLimit":9,"RestartPolicy":{"Name":"","MaximumRetryCount":0}})",
      "body");
  const UpdateBody update = read_update(body.value(), now).value();
  EXPECT_EQ(update.limits.memory, 64 << 20);
  EXPECT_EQ(update.limits.cpu_shares, 7);
  EXPECT_EQ(update.limits.pids, 9);
  EXPECT_FALSE(update.restart);
}

}  // namespace
}  // namespace proa::api::docker
