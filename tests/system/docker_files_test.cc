// Debian's docker command line on files: cp, diff, export, volumes, binds, tmpfs, images, events.
#include <gmock/gmock.h>

#include <csignal>
#include <ctime>
#include <thread>

#include "kernel/file/file.h"
#include "tests/fixtures/engine.h"

namespace proa {
namespace {

using ::testing::HasSubstr;

using fixtures::kTestImage;
using fixtures::Output;

class DockerFiles : public fixtures::HullTest {
 protected:
  void put(const std::string& path, std::string_view content) const {
    ASSERT_OK(file::replace_file(FdRef::cwd(), path, content, 0644, file::Durable::no));
  }
  std::string at(std::string_view name) { return cat(engine().scratch(), "/", name); }
};

TEST_P(DockerFiles, cp_goes_both_ways_whether_or_not_it_runs) {
  put(at("in"), "from the host\n");
  run({"-d", "--name", "box", kTestImage, "sleep", "600"});
  docker({"cp", at("in"), "box:/tmp/copy"});
  EXPECT_EQ(docker({"exec", "box", "cat", "/tmp/copy"}), "from the host");
  docker({"exec", "box", "sh", "-c", "mkdir /tmp/d; echo deep >/tmp/d/file"});
  docker({"stop", "-t", "0", "box"});
  docker({"cp", "box:/tmp/d", at("out")});
  EXPECT_EQ(file::read_file(at("out/file")).value(), "deep\n");
  EXPECT_THAT(refused({"cp", "box:/no/such", at("x")}), HasSubstr("/no/such"));
  EXPECT_EQ(engine().docker({"cp", "box:/tmp/copy", "-"}).out.substr(0, 4), "copy");
}

TEST_P(DockerFiles, cp_undoes_every_compression_and_refuses_what_is_cut_short) {
  put(at("file"), "packed\n");
  run({"-d", "--name", "box", kTestImage, "sleep", "600"});
  for (const char* compression : {"--gzip", "--bzip2", "--xz", "--zstd"}) {
    const Output packed = fixtures::run({.arguments = {"/bin/tar", "-C", engine().scratch(),
                                                       compression, "-cf", at("packed"), "file"}});
    ASSERT_EQ(packed.code, 0) << packed.err;
    const std::string archive = file::read_file(at("packed")).value();
    docker({"cp", "-", "box:/tmp"}, archive);
    EXPECT_EQ(docker({"exec", "box", "cat", "/tmp/file"}), "packed") << compression;
    docker({"exec", "box", "rm", "/tmp/file"});
    EXPECT_NE(engine().docker({"cp", "-", "box:/tmp"}, archive.substr(0, archive.size() - 20)).code,
              0)
        << compression;
    docker({"exec", "box", "rm", "-f", "/tmp/file"});
  }
}

TEST_P(DockerFiles, diff_and_export_show_the_writable_layer) {
  run({"--name", "box", kTestImage, "sh", "-c", "echo x >/tmp/new; rm /etc/group"});
  const std::string changes = docker({"diff", "box"});
  EXPECT_THAT(changes, HasSubstr("A /tmp/new"));
  EXPECT_THAT(changes, HasSubstr("D /etc/group"));
  docker({"export", "-o", at("tree.tar"), "box"});
  const Output list = fixtures::run({.arguments = {"/bin/tar", "-tf", at("tree.tar")}});
  EXPECT_THAT(list.out, HasSubstr("tmp/new"));
  EXPECT_THAT(list.out, HasSubstr("etc/passwd"));
  EXPECT_THAT(list.out, ::testing::Not(HasSubstr("etc/group")));
}

TEST_P(DockerFiles, diff_sees_what_a_directory_made_anew_hides) {
  run({"--name", "base", kTestImage, "sh", "-c", "mkdir /made; echo x >/made/old"});
  docker({"commit", "base", "made"});
  run({"--name", "anew", "made", "sh", "-c", "rm -r /made; mkdir /made; echo y >/made/young"});
  EXPECT_THAT(docker({"diff", "anew"}), HasSubstr("D /made/old\nA /made/young"));
}

TEST_P(DockerFiles, files_are_there_at_the_moment_of_the_end_too) {
  const int turns = in_vm() ? 3 : 20;
  for (int turn = 0; turn < turns; ++turn) {
    const std::string script = cat("echo ", turn, " > /turn; sleep 0.0", turn % 4);
    run({"-d", "--name", "box", kTestImage, "sh", "-c", script});
    docker({"commit", "box", "ended"});
    const Output diff = engine().docker({"diff", "box"});
    EXPECT_EQ(diff.code, 0) << diff.err;
    const Output tree = engine().docker({"export", "box"});
    EXPECT_EQ(tree.code, 0) << tree.err;
    // Whole, down to the two empty blocks.
    EXPECT_TRUE(tree.out.size() > 1024 && tree.out.ends_with(std::string(1024, '\0'))) << turn;
    docker({"rm", "-f", "box"});
  }
}

TEST_P(DockerFiles, a_copy_that_is_cut_off_does_not_end_as_if_it_were_whole) {
  run({"-d", "--name", "box", kTestImage, "sleep", "600"});
  docker({"exec", "box", "sh", "-c", "yes | head -c 50000000 >/big"});
  Output copy;
  std::thread reader([&] {
    copy = fixtures::run(
        {.arguments = {"/usr/bin/curl", "-sS", "--limit-rate", "4M", "-o", at("tree.tar"),
                       "--unix-socket", cat(engine().run_directory(), "/proa.sock"),
                       "http://proa/v1.43/containers/box/archive?path=/big"}});
  });
  const auto has_begun = [&] {
    const auto begun = file::read_file(at("tree.tar"));
    return begun.ok() && !begun.value().empty();
  };
  EXPECT_TRUE(fixtures::eventually(has_begun));
  ::kill(engine().shim_of(docker({"inspect", "-f", "{{.Id}}", "box"})), SIGKILL);
  reader.join();
  EXPECT_NE(copy.code, 0);
}

TEST_P(DockerFiles, volumes_outlive_containers_and_binds_are_the_hosts) {
  docker({"volume", "create", "--label", "a=b", "data"});
  put(at("host"), "hosts\n");
  // Copy-up: a new volume begins with what the image has there.
  const Output first =
      run({"--rm", "-v", "data:/v", "-v", "fresh:/etc", "-v", cat(at("host"), ":/f"), kTestImage,
           "sh", "-c", "echo kept >/v/file; cat /etc/passwd /f; echo answer >/f"});
  EXPECT_THAT(first.out, HasSubstr("root"));
  EXPECT_THAT(first.out, HasSubstr("hosts"));
  EXPECT_EQ(file::read_file(at("host")).value(), "answer\n");
  EXPECT_EQ(run({"--rm", "-v", "data:/v:ro", kTestImage, "sh", "-c",
                 "cat /v/file; touch /v/new 2>/dev/null || echo refused"})
                .out,
            "kept\nrefused\n");
}

TEST_P(DockerFiles, read_only_and_tmpfs_are_as_asked_for) {
  const Output ran = try_run({"--rm", "--read-only", "--tmpfs", "/t:size=1m", kTestImage, "sh",
                              "-c", "touch /x; echo y >/t/x; cat /t/x; cat /dev/zero >/t/full"});
  EXPECT_THAT(ran.err, HasSubstr("Read-only file system"));
  EXPECT_THAT(ran.err, HasSubstr("No space left on device"));
  EXPECT_EQ(ran.out, "y\n");
}

TEST_P(DockerFiles, events_tell_what_happened_in_order) {
  run({"--name", "box", "--label", "k=v", kTestImage, "true"});
  docker({"rm", "box"});
  // The client cuts moments to whole seconds: the next one is behind all that happened.
  const std::string events =
      docker({"events", "--since", "0", "--until", cat(std::time(nullptr) + 1), "--filter",
              "container=box", "--format", "{{.Action}}"});
  EXPECT_EQ(events, "create\nstart\ndie\ndestroy");
}

PROA_ON_HULLS(DockerFiles);

// What the engine keeps, whatever runs.
class DockerObjects : public fixtures::EngineTest {
 protected:
  std::string at(std::string_view name) { return cat(engine().scratch(), "/", name); }
};

TEST_F(DockerObjects, volumes_are_listed_inspected_and_removed) {
  docker({"volume", "create", "--label", "a=b", "data"});
  EXPECT_EQ(docker({"volume", "ls", "-q", "--filter", "label=a=b"}), "data");
  EXPECT_THAT(docker({"volume", "inspect", "data"}), HasSubstr("\"Mountpoint\""));
  docker({"create", "--name", "user", "-v", "data:/v", kTestImage});
  EXPECT_THAT(refused({"volume", "rm", "data"}), HasSubstr("volume is in use"));
  docker({"rm", "user"});
  docker({"volume", "rm", "data"});
  docker({"run", "--name", "anonymous", "--network", "none", "-v", "/a", kTestImage, "true"});
  EXPECT_NE(docker({"volume", "ls", "-q"}), "");
  docker({"rm", "-v", "anonymous"});
  EXPECT_TRUE(fixtures::eventually([&] { return docker({"volume", "ls", "-q"}).empty(); }));
  EXPECT_THAT(docker({"volume", "prune", "-f"}), HasSubstr("Total reclaimed space: 0B"));
}

TEST_F(DockerObjects, networks_events_name_the_container_by_its_id) {
  docker({"network", "create", "net"});
  const std::string id = docker({"create", "--name", "box", kTestImage});
  docker({"network", "connect", "net", "box"});
  docker({"network", "disconnect", "net", "box"});
  EXPECT_EQ(docker({"events", "--since", "0", "--until", cat(std::time(nullptr) + 1), "--filter",
                    "network=net", "--filter", "event=connect", "--filter", "event=disconnect",
                    "--format", "{{.Action}} {{.Actor.Attributes.container}}"}),
            cat("connect ", id, "\ndisconnect ", id));
}

TEST_F(DockerObjects, a_committed_image_names_its_parent) {
  docker({"create", "--name", "box", kTestImage});
  docker({"commit", "box", "made:1"});
  EXPECT_EQ(docker({"inspect", "--format", "{{.Parent}}", "made:1"}),
            docker({"inspect", "--format", "{{.Id}}", kTestImage}));
}

TEST_F(DockerObjects, images_are_listed_tagged_saved_loaded_and_removed) {
  EXPECT_EQ(docker({"images", "--format", "{{.Repository}}:{{.Tag}}"}), kTestImage);
  docker({"tag", kTestImage, "other/name:1"});
  EXPECT_THAT(docker({"history", "other/name:1"}), HasSubstr("busybox"));
  docker({"save", "-o", at("saved.tar"), "other/name:1"});
  EXPECT_THAT(docker({"rmi", "other/name:1"}), HasSubstr("Untagged: other/name:1"));
  EXPECT_THAT(refused({"inspect", "other/name:1"}), HasSubstr("No such object"));
  EXPECT_EQ(docker({"load", "-i", at("saved.tar")}), "Loaded image: other/name:1");
  docker({"create", "--name", "user", kTestImage});
  EXPECT_THAT(refused({"rmi", "-f", docker({"images", "-q", "other/name:1"})}),
              HasSubstr("is used by"));
  docker({"rm", "user"});
  EXPECT_THAT(docker({"image", "prune", "-a", "-f"}), HasSubstr("Total reclaimed space"));
  EXPECT_EQ(docker({"images", "-q"}), "");
}

TEST_F(DockerObjects, the_engine_tells_of_itself) {
  EXPECT_THAT(docker({"version", "--format", "{{.Server.APIVersion}}"}), "1.44");
  EXPECT_THAT(docker({"info"}), HasSubstr("Storage Driver: erofs"));
  EXPECT_THAT(docker({"system", "df"}), HasSubstr("Images          1"));
}

}  // namespace
}  // namespace proa
