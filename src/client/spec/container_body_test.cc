#include "client/spec/container_body.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "client/spec/container_flags.h"

namespace proa::client {
namespace {

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (const std::string_view word : split(line, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

Result<json::Value> body_of(std::string_view line, bool attached = true) {
  const std::vector<std::string> words = words_of(line);
  const Flags flags = TRY(Flags::parse(container_flags(), words, Interspersed::no));
  ContainerOrder order;
  order.image = flags.arguments().empty() ? "app" : flags.arguments()[0];
  if (flags.arguments().size() > 1) {
    order.command.assign(flags.arguments().begin() + 1, flags.arguments().end());
  }
  order.directory = "/here";
  order.attached = attached;
  return container_body(flags, order);
}

// The member at "HostConfig.Memory", printed; "none" where it is not there.
std::string member(std::string_view line, std::string_view path, bool attached = true) {
  const auto body = body_of(line, attached);
  if (!body.ok()) return "error: " + body.error().message();
  const json::Value* value = &body.value();
  for (const std::string_view part : split(path, '.')) {
    value = value->find(part);
    if (value == nullptr) return "none";
  }
  return json::print(*value);
}

TEST(ContainerBody, command_and_streams) {
  EXPECT_EQ(member("app sh -c true", "Cmd"), R"(["sh","-c","true"])");
  EXPECT_EQ(member("app", "Cmd"), "none");
  EXPECT_EQ(member("-it app", "Tty"), "true");
  EXPECT_EQ(member("-it app", "AttachStdin"), "true");
  EXPECT_EQ(member("app", "AttachStdin"), "false");
  EXPECT_EQ(member("-i app", "StdinOnce"), "true");
  EXPECT_EQ(member("-i app", "StdinOnce", false), "false");
  EXPECT_EQ(member("-a stderr app", "AttachStdout"), "false");
  EXPECT_EQ(member("-a stderr app", "AttachStderr"), "true");
}

TEST(ContainerBody, flags_behind_the_image_belong_to_the_command) {
  EXPECT_EQ(member("app ls --rm -p", "Cmd"), R"(["ls","--rm","-p"])");
  EXPECT_EQ(member("--rm app", "HostConfig.AutoRemove"), "true");
  EXPECT_EQ(member("--rm=false app", "HostConfig.AutoRemove"), "false");
}

TEST(ContainerBody, limits) {
  EXPECT_EQ(member("-m 512m app", "HostConfig.Memory"), "536870912");
  EXPECT_EQ(member("--memory-swap -1 app", "HostConfig.MemorySwap"), "-1");
  EXPECT_EQ(member("--cpus 1.5 app", "HostConfig.NanoCpus"), "1500000000");
  EXPECT_EQ(member("--pids-limit 10 app", "HostConfig.PidsLimit"), "10");
  EXPECT_EQ(member("--restart on-failure:3 app", "HostConfig.RestartPolicy"),
            R"({"Name":"on-failure","MaximumRetryCount":3})");
  EXPECT_EQ(member("--ulimit nofile=1024:4096 app", "HostConfig.Ulimits"),
            R"([{"Name":"nofile","Soft":1024,"Hard":4096}])");
  EXPECT_EQ(member("--device-read-bps /dev/sda:1mb app", "HostConfig.BlkioDeviceReadBps"),
            R"([{"Path":"/dev/sda","Rate":1048576}])");
}

TEST(ContainerBody, ports) {
  EXPECT_EQ(member("-p 8080:80 app", "HostConfig.PortBindings"),
            R"({"80/tcp":[{"HostIp":"","HostPort":"8080"}]})");
  EXPECT_EQ(member("-p 127.0.0.1::53/udp app", "HostConfig.PortBindings"),
            R"({"53/udp":[{"HostIp":"127.0.0.1","HostPort":""}]})");
  EXPECT_EQ(member("-p [::1]:8080:80 app", "HostConfig.PortBindings"),
            R"({"80/tcp":[{"HostIp":"::1","HostPort":"8080"}]})");
  EXPECT_EQ(member("-p 8000-8001:80-81 app", "ExposedPorts"), R"({"80/tcp":{},"81/tcp":{}})");
  EXPECT_EQ(member("-p 8000-8010:80 app", "HostConfig.PortBindings"),
            R"({"80/tcp":[{"HostIp":"","HostPort":"8000-8010"}]})");
  EXPECT_EQ(member("-p 1:80 -p 2:80 app", "HostConfig.PortBindings"),
            R"({"80/tcp":[{"HostIp":"","HostPort":"1"},{"HostIp":"","HostPort":"2"}]})");
  EXPECT_EQ(member("--expose 90 app", "ExposedPorts"), R"({"90/tcp":{}})");
}

TEST(ContainerBody, mounts) {
  EXPECT_EQ(member("-v data:/d -v /a:/b:ro -v ./x:/y app", "HostConfig.Binds"),
            R"(["data:/d","/a:/b:ro","/here/./x:/y"])");
  EXPECT_EQ(member("-v /only app", "Volumes"), R"({"/only":{}})");
  EXPECT_EQ(member("--mount type=bind,src=/a,dst=/b,readonly app", "HostConfig.Mounts"),
            R"([{"Type":"bind","Source":"/a","Target":"/b","ReadOnly":true}])");
  EXPECT_EQ(
      member("--mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700 app", "HostConfig.Mounts"),
      R"([{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":1048576,"Mode":448}}])");
  EXPECT_EQ(member("--mount src=v,dst=/t,volume-nocopy,volume-label=a=b app", "HostConfig.Mounts"),
            R"([{"Type":"volume","Source":"v","Target":"/t",)"
            R"("VolumeOptions":{"NoCopy":true,"Labels":{"a":"b"}}}])");
  EXPECT_EQ(member("--tmpfs /t:size=1m app", "HostConfig.Tmpfs"), R"({"/t":"size=1m"})");
  EXPECT_EQ(member("--device /dev/null:/dev/x:r app", "HostConfig.Devices"),
            R"([{"PathOnHost":"/dev/null","PathInContainer":"/dev/x","CgroupPermissions":"r"}])");
}

TEST(ContainerBody, words_of_a_virtual_machine_become_annotations) {
  EXPECT_EQ(
      member("--runtime vm --hypervisor kvm --isolation-min vm --kernel k --annotation a=b app",
             "HostConfig.Annotations"),
      R"({"a":"b","proa.hypervisor":"kvm","proa.isolation-min":"vm","proa.vm.kernel":"k"})");
  EXPECT_EQ(member("--runtime vm app", "HostConfig.Runtime"), R"("vm")");
}

TEST(ContainerBody, networks) {
  EXPECT_EQ(member("app", "HostConfig.NetworkMode"), R"("default")");
  EXPECT_EQ(
      member("--network n --network-alias a --ip 10.0.0.9 app", "NetworkingConfig.EndpointsConfig"),
      R"({"n":{"Aliases":["a"],"IPAMConfig":{"IPv4Address":"10.0.0.9"}}})");
  EXPECT_EQ(member("--network name=n,alias=x --network m app", "NetworkingConfig.EndpointsConfig"),
            R"({"n":{"Aliases":["x"]},"m":{}})");
}

TEST(ContainerBody, health_entrypoint_and_labels) {
  EXPECT_EQ(
      member("--health-cmd true --health-interval 1m30s --health-retries 2 app", "Healthcheck"),
      R"({"Test":["CMD-SHELL","true"],"Interval":90000000000,"Retries":2})");
  EXPECT_EQ(member("--no-healthcheck app", "Healthcheck"), R"({"Test":["NONE"]})");
  EXPECT_EQ(member("--entrypoint= app", "Entrypoint"), R"([""])");
  EXPECT_EQ(member("-l a=b -l c app", "Labels"), R"({"a":"b","c":""})");
  EXPECT_EQ(member("--log-driver json-file --log-opt max-size=1m app", "HostConfig.LogConfig"),
            R"({"Type":"json-file","Config":{"max-size":"1m"}})");
  EXPECT_EQ(member("--add-host a:1.2.3.4 --add-host b=::1 app", "HostConfig.ExtraHosts"),
            R"(["a:1.2.3.4","b:::1"])");
}

// Each wrong flag, and a word that its message has to hold.
TEST(ContainerBody, wrong_flags_are_named) {
  constexpr std::pair<std::string_view, std::string_view> kWrong[] = {
      {"--foo app", "unknown flag: --foo"},
      {"-Z app", "unknown shorthand flag: 'Z' in -Z"},
      {"--name", "flag needs an argument: --name"},
      {"-p", "flag needs an argument: 'p' in -p"},
      {"--tty=maybe app", "--tty"},
      {"--pids-limit many app", "--pids-limit"},
      {"-m lots app", "--memory"},
      {"-m 1x app", "--memory"},
      {"--shm-size -1 app", "--shm-size"},
      {"--cpus two app", "CPUs"},
      {"-p 80:99999 app", "published port"},
      {"-p 1:2:3:4 app", "published port"},
      {"-p 80/xyz app", "protocol"},
      {"-p 1-2:80-89 app", "ranges"},
      {"-p 0:80 app", "port '0'"},
      {"--expose x app", "exposed port"},
      {"-v a:b:c:d app", "volume specification"},
      {"-v relative app", "absolute"},
      {"-v :/x app", "volume specification"},
      {"--mount type=bind,dst=/x app", "source"},
      {"--mount type=volume app", "target"},
      {"--mount nonsense app", "key=value"},
      {"--mount color=red,dst=/x app", "unexpected key 'color'"},
      {"--mount type=tmpfs,src=/a,dst=/b app", "tmpfs"},
      {"--mount type=bind,src=/a,dst=/b,volume-nocopy app", "another"},
      {"--tmpfs relative app", "tmpfs"},
      {"--device /dev/x:/y:q app", "device specification"},
      {"--restart sometimes app", "restart policy"},
      {"--restart always:3 app", "restart policy"},
      {"--rm --restart always app", "conflicting options"},
      {"--ulimit nofile app", "ulimit"},
      {"--ulimit nofile=9:1 app", "soft limit"},
      {"-a nowhere app", "streams"},
      {"-e = app", "environment variable"},
      {"-l =x app", "label"},
      {"--env-file /does/not/exist app", "/does/not/exist"},
      {"--security-opt seccomp=/does/not/exist app", "seccomp profile"},
      {"--health-interval soon app", "--health-interval"},
      {"--health-timeout -1s app", "--health-timeout"},
      {"--no-healthcheck --health-cmd x app", "--no-healthcheck"},
      {"--log-driver none --log-opt a=b app", "logging opts"},
      {"--add-host nothing app", "--add-host"},
      {"--network name=,alias=x app", "no name"},
      {"--network name=n,color=red app", "unknown key 'color'"},
      {"--sysctl =1 app", "sysctl"},
      {"--device-read-bps sda:1 app", "--device-read-bps"},
      {"--blkio-weight-device /dev/sda:x app", "--blkio-weight-device"},
  };
  for (const auto& [line, word] : kWrong) {
    const auto body = body_of(line);
    ASSERT_FALSE(body.ok()) << line;
    EXPECT_NE(body.error().message().find(word), std::string::npos)
        << line << ": " << body.error().message();
  }
}

}  // namespace
}  // namespace proa::client
