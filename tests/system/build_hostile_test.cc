// Builds of hostile contexts, images and Dockerfiles: nothing of the host gets in, nothing of the
// build gets out, and nothing is without bounds.
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tests/fixtures/swapper.h"
#include "tests/fixtures/tar_builder.h"
#include "tests/system/build_fixture.h"

namespace proa::fixtures {
namespace {

constexpr std::string_view kMarker = "marker-of-the-host";

class HostileBuild : public BuildTest {
 protected:
  void SetUp() override {
    BuildTest::SetUp();
    if (IsSkipped()) return;
    outside_ = cat(engine().scratch(), "/outside");
    ASSERT_OK(file::make_directories(outside_, 0755));
    ASSERT_OK(file::replace_file(FdRef::cwd(), cat(outside_, "/", kMarker), kMarker, 0644,
                                 file::Durable::no));
  }

  // A directory of the host that no build may see or change, with a file in it.
  std::string outside_;
};

TEST_F(HostileBuild, takes_no_right_that_whoever_builds_did_not_give) {
  dockerfile("RUN --security=insecure mknod /zero c 1 5\n");
  const Output refused = try_build();
  EXPECT_NE(refused.code, 0);
  EXPECT_NE(refused.err.find("--allow security.insecure"), std::string::npos) << refused.err;
  EXPECT_EQ(try_build({"--allow", "security.insecure"}).code, 0);
  dockerfile("RUN mknod /zero c 1 5\n");
  EXPECT_NE(try_build({"--allow", "security.insecure"}).code, 0);
  dockerfile("RUN --network=host ip link\n");
  EXPECT_NE(try_build().code, 0);
  EXPECT_EQ(try_build({"--allow", "network.host"}).code, 0);
  EXPECT_NE(try_build({"--allow", "everything"}).code, 0);
}

TEST_F(HostileBuild, does_not_follow_links_out_of_the_context) {
  ASSERT_OK(file::make_directories(cat(engine().scratch(), "/outside"), 0755));
  ASSERT_EQ(::symlink("/etc/hostname", cat(context_, "/absolute").c_str()), 0);
  ASSERT_EQ(::symlink("../outside", cat(context_, "/upwards").c_str()), 0);
  dockerfile("COPY absolute /x\n");
  EXPECT_NE(try_build().code, 0);
  dockerfile("COPY upwards /x\n");
  EXPECT_NE(try_build().code, 0);
  dockerfile("COPY ../../../../etc/hostname /x\n");
  EXPECT_NE(try_build().code, 0);
}

// CVE-2024-23652 and others: what an image's links name lies in the image, never on the host.
TEST_F(HostileBuild, copies_and_binds_through_links_of_an_image_stay_in_the_image) {
  write(
      "Dockerfile",
      cat("FROM ", kTestImage,
          " AS evil\nRUN ln -s / /root-link && ln -s ../../../../../.. /up && "
          "ln -s /proc/1/root /proc-link && mkdir -p /etc && echo inside > /etc/hostname-of-image\n"
          "FROM ",
          kTestImage,
          "\nCOPY --from=evil /up/etc/hostname-of-image /a\nCOPY --from=evil "
          "/root-link/etc/hostname-of-image /b\n"
          "RUN --mount=type=bind,from=evil,source=/up/etc,target=/m cat /m/hostname-of-image > "
          "/c\n"));
  build();
  EXPECT_EQ(in_image("cat /a /b /c"), "inside\ninside\ninside");
  write("Dockerfile", cat("FROM ", kTestImage, " AS evil\nRUN ln -s /proc/1/root /p\nFROM ",
                          kTestImage, "\nCOPY --from=evil /p/etc/hostname /x\n"));
  EXPECT_NE(try_build().code, 0);
}

TEST_F(HostileBuild, onto_links_of_an_image_writes_below_the_image) {
  write("f", "x");
  dockerfile(
      "RUN ln -s ../../../../../../tmp/../out /link && ln -s /nowhere/deep /far\nCOPY f /link/f\n"
      "COPY f /far/f\n");
  build();
  EXPECT_EQ(in_image("cat /out/f /nowhere/deep/f"), "xx");
  EXPECT_FALSE(file::exists("/nowhere"));
}

TEST_F(HostileBuild, of_a_hostile_tar_is_refused) {
  const auto refused_tar = [&](const std::string& tar) {
    const Output output = engine().proa({"build", "--progress", "plain", "-"}, tar);
    EXPECT_NE(output.code, 0) << output.err;
  };
  const std::string file = cat("FROM ", kTestImage, "\nCOPY . /x\n");
  refused_tar(
      TarBuilder().add({.name = "Dockerfile", .content = file}).add({.name = "../up"}).finish());
  refused_tar(TarBuilder()
                  .add({.name = "Dockerfile", .content = file})
                  .add({.name = "l", .type = '1', .link = "/etc/passwd"})
                  .finish());
  refused_tar(TarBuilder().claim({.name = "Dockerfile"}, std::uint64_t{1} << 32).finish());
}

TEST_F(HostileBuild, bounds_endless_output_and_gigantic_lines) {
  dockerfile("RUN yes | head -c 20000000\n");
  const Output output = build();
  EXPECT_LT(output.err.size(), std::size_t{16} << 20);
  EXPECT_NE(output.err.find("output cut"), std::string::npos);
  dockerfile(cat("RUN echo ", std::string(3 << 20, 'x'), "\n"));
  EXPECT_NE(try_build().code, 0);
}

TEST_F(HostileBuild, reads_nothing_outside_while_names_of_the_context_are_exchanged) {
  write("d/file", "honest");
  ASSERT_EQ(::symlink(cat(outside_, "/", kMarker).c_str(), cat(context_, "/link").c_str()), 0);
  ASSERT_EQ(::symlink(outside_.c_str(), cat(context_, "/up").c_str()), 0);
  write("e/file", "honest");
  dockerfile("COPY d /d\nCOPY e/ /e/\n");
  const Swapper files(cat(context_, "/d/file"), cat(context_, "/link"));
  const Swapper directories(cat(context_, "/e"), cat(context_, "/up"));
  int built = 0;
  for (int round = 0; round < 12; ++round) {
    if (try_build({"--no-cache"}).code != 0) continue;
    ++built;
    EXPECT_EQ(in_image(cat("cat /d/* /e/* 2>/dev/null; ls /e")).find(kMarker), std::string::npos);
  }
  EXPECT_GT(files.swaps() + directories.swaps(), 12);
  EXPECT_GT(built, 0);
}

// CVE-2024-23651: two steps share a cache; one exchanges the directory that the other mounts.
TEST_F(HostileBuild, mounts_nothing_of_the_host_while_a_cache_is_exchanged_for_a_link) {
  write("Swap", cat("FROM ", kTestImage,
                    "\nRUN --mount=type=cache,id=c,target=/c mkdir -p /c/sub && cd /c && "
                    "for i in $(seq 4000); do mv sub real; ln -s ",
                    outside_, " sub; rm sub; mv real sub; done\n"));
  dockerfile("RUN --mount=type=cache,id=c,target=/m,source=sub ls -a /m\n");
  std::atomic<bool> swapping = true;
  std::thread swapper([&] {
    const Output swapped = engine().proa({"build", "-f", cat(context_, "/Swap"), context_});
    EXPECT_EQ(swapped.code, 0) << swapped.err;
    swapping = false;
  });
  int mounted = 0;
  for (int round = 0; round < 200 && swapping; ++round) {
    const Output looked = try_build({"--no-cache"});
    mounted += looked.code == 0 ? 1 : 0;
    EXPECT_EQ(looked.err.find(kMarker), std::string::npos) << looked.err;
  }
  swapper.join();
  EXPECT_GT(mounted, 0);
}

// CVE-2024-23652: the parent of a mount's place becomes a link while the step runs; what is cleaned
// up afterwards must not be the host's.
TEST_F(HostileBuild, removes_nothing_on_the_host_where_a_mount_was) {
  dockerfile(cat("RUN --mount=type=tmpfs,target=/stub/", kMarker, " mv /stub /gone && ln -s ",
                 outside_, " /stub\n"));
  build();
  EXPECT_TRUE(file::exists(cat(outside_, "/", kMarker)));
  EXPECT_EQ(in_image("readlink /stub"), outside_);
}

// CVE-2024-1753: the source of a bind is a link to the root directory.
TEST_F(HostileBuild, binds_the_root_of_the_stage_where_the_source_is_a_link_to_the_root) {
  write("Dockerfile", cat("FROM ", kTestImage, " AS evil\nRUN ln -s / /trap && ln -s ", outside_,
                          " /host\nFROM ", kTestImage,
                          "\nRUN --mount=type=bind,from=evil,source=/trap,target=/m,rw "
                          "ls /m > /seen && touch /m/written && test -L /m/trap\n"));
  build();
  EXPECT_FALSE(file::exists("/written"));
  EXPECT_EQ(in_image("grep -c trap /seen; ls /written 2>/dev/null | wc -l"), "1\n0");
  write("Dockerfile",
        cat("FROM ", kTestImage, " AS evil\nRUN ln -s ", outside_, " /host\nFROM ", kTestImage,
            "\nRUN --mount=type=bind,from=evil,source=/host,target=/m ls /m\n"));
  EXPECT_NE(try_build().code, 0);
}

TEST_F(HostileBuild, mounts_onto_links_of_an_image_inside_the_image) {
  dockerfile(cat("RUN ln -s ", outside_, " /place && ln -s ../../../../../../.. /up\n",
                 "RUN --mount=type=tmpfs,target=/place/deep touch /place/deep/x\n",
                 "RUN --mount=type=cache,target=/up", outside_, "/cache touch /up", outside_,
                 "/cache/x\n"));
  build();
  EXPECT_FALSE(file::exists(cat(outside_, "/deep")));
  EXPECT_FALSE(file::exists(cat(outside_, "/cache")));
}

TEST_F(HostileBuild, sees_no_host_and_has_no_rights_in_it) {
  dockerfile(
      "RUN ! mknod /null c 1 3 2>/dev/null; ! mount -t tmpfs none /mnt 2>/dev/null; "
      "! chroot /proc/1/root ls / 2>/dev/null | grep -q proad; "
      "echo $(cat /proc/self/uid_map) > /map; grep CapEff /proc/self/status >> /map; "
      "! echo 1 > /proc/sys/kernel/panic 2>/dev/null; ls /proc | grep -c '^[0-9]' >> /map\n");
  build();
  const std::string seen = in_image("cat /map");
  EXPECT_EQ(seen.find("0 0 4294967295"), std::string::npos) << seen;
}

TEST_F(HostileBuild, of_archives_that_unfold_without_end_is_refused) {
  // 256 MiB of zeros become 38 KiB.
  const Output made =
      fixtures::run({.arguments = {"/usr/bin/python3", "-c",
                                   "import lzma, sys, tarfile\n"
                                   "header = tarfile.TarInfo('zeros'); header.size = 256 << 20\n"
                                   "packer = lzma.LZMACompressor(preset=0)\n"
                                   "sys.stdout.buffer.write(packer.compress(header.tobuf()))\n"
                                   "for _ in range(256):\n"
                                   "  sys.stdout.buffer.write(packer.compress(bytes(1 << 20)))\n"
                                   "sys.stdout.buffer.write(packer.flush())\n"}});
  ASSERT_EQ(made.code, 0) << made.err;
  write("bomb.tar.xz", made.out);
  dockerfile("ADD bomb.tar.xz /x/\n");
  const Output added = try_build();
  EXPECT_NE(added.code, 0);
  EXPECT_NE(added.err.find("bytes for each byte"), std::string::npos) << added.err;
  const Output sent = engine().proa({"build", "--progress", "plain", "-"}, made.out);
  EXPECT_NE(sent.code, 0);
}

TEST_F(HostileBuild, bounds_what_a_dockerfile_may_ask_for) {
  const auto refused_file = [&](const std::string& text, std::string_view words) {
    write("Dockerfile", text);
    const Output output = try_build();
    EXPECT_NE(output.code, 0) << words;
    EXPECT_NE(output.err.find(words), std::string::npos) << output.err.substr(0, 2000);
    EXPECT_LT(output.err.size(), std::size_t{64} << 10);
  };
  refused_file(cat("FROM ", kTestImage, "\n", std::string(3 << 20, '#')), "2097152");
  // Variables that double themselves.
  std::string doubling = cat("FROM ", kTestImage, "\nENV A0=xxxxxxxxxxxxxxxx\n");
  for (int step = 0; step < 60; ++step) {
    doubling += cat("ENV A", step + 1, "=$A", step, "$A", step, "\n");
  }
  refused_file(doubling, "Dockerfile:");
  std::string deep = cat("FROM ", kTestImage, "\nENV A=");
  for (int level = 0; level < 10'000; ++level) deep += "${A:-";
  refused_file(deep, "Dockerfile:2");
}

TEST_F(HostileBuild, passes_a_line_without_end_on_in_bounds) {
  dockerfile("RUN tr '\\0' x < /dev/zero | head -c 8000000\n");
  const Output output = build();
  EXPECT_LT(output.err.size(), std::size_t{4} << 20);
  EXPECT_NE(output.err.find("output cut"), std::string::npos);
}

}  // namespace
}  // namespace proa::fixtures
