// Layers mounted by the kernel, compared with what tar unpacks from the same archives.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "image/layer/verify.h"
#include "image/mount/rung.h"
#include "kernel/file/temp_dir.h"
#include "kernel/process/child.h"
#include "tests/fixtures/layer.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"

namespace proa::image {
namespace {

namespace fs = std::filesystem;

std::string run(const std::string& command) {
  auto child = process::Child::spawn(
      {.program = "/bin/sh", .arguments = {"sh", "-c", cat("exec 2>&1; ", command)}});
  CHECK(child.ok());
  const auto end = child.value().wait();
  CHECK(end.ok());
  return process::shell_code(end.value()) == 0 ? "" : cat("failed: ", command);
}

std::string xattrs_of(const std::string& path) {
  std::string names(65536, '\0');
  const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  names.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  std::map<std::string, std::string> sorted;
  for (const std::string_view name : split(names, '\0')) {
    if (name.empty()) continue;
    std::string value(65536, '\0');
    const ssize_t length =
        ::lgetxattr(path.c_str(), std::string(name).c_str(), value.data(), value.size());
    value.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
    sorted.emplace(name, value);
  }
  std::string text;
  for (const auto& [name, value] : sorted) text += cat(" ", name, "=", to_hex(value));
  return text;
}

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  Sha256 hash;
  std::string buffer(1 << 20, '\0');
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) ||
         file.gcount() > 0) {
    hash.update(
        bytes_of(std::string_view(buffer).substr(0, static_cast<std::size_t>(file.gcount()))));
  }
  return hash.finish().hex();
}

// Everything that stat, read, readlink and getxattr say of every path of a tree.
std::map<std::string, std::string> facts_of(const std::string& root) {
  std::map<std::string, std::string> facts;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    struct stat status = {};
    CHECK(::lstat(entry.path().c_str(), &status) == 0);
    std::string fact = cat(status.st_mode, " ", status.st_uid, ":", status.st_gid, " links ",
                           status.st_nlink, " time ", status.st_mtim.tv_sec, ".",
                           status.st_mtim.tv_nsec, " device ", status.st_rdev);
    // A directory's size is the file system's own affair, and ext4 counts one link for it.
    if (!S_ISDIR(status.st_mode)) fact += cat(" size ", status.st_size);
    if (S_ISREG(status.st_mode)) fact += cat(" ", content_of(entry.path()));
    if (S_ISLNK(status.st_mode)) fact += cat(" -> ", fs::read_symlink(entry.path()).string());
    fact += xattrs_of(entry.path());
    facts.emplace(entry.path().lexically_relative(root), fact);
  }
  return facts;
}

// In sh: ordinary files, and whatever a file system may find hard.
constexpr const char* kMakeTree = R"sh(set -e; mkdir tree; cd tree
mkdir -p empty deep/$(printf 'd%.0s' $(seq 200))/$(printf 'e%.0s' $(seq 200)) many
printf 'hello' > file; ln file hard; ln file deep/hard; ln -s ../file deep/soft
ln -s "$(printf 'l/%.0s' $(seq 1900))" long-link; mkfifo fifo
mknod char c 10 200; mknod block b 259 70000; chmod 4755 file; chmod 1777 many
for i in $(seq 200); do echo $i > many/name-of-some-length-$i; done
head -c 4096 /dev/urandom > page; head -c 4097 /dev/urandom > page1; : > none
head -c 3000000 /dev/urandom > large
truncate -s 50M sparse
printf 'data' | dd of=sparse bs=1 seek=20000000 conv=notrunc status=none
truncate -s 9000 short-sparse
chown 100000:70000 page; chown -h 5:6 long-link
touch -d '2001-02-03 04:05:06.123456789' page
touch -h -d '1960-01-01 00:00:00.5 UTC' long-link
python3 -c "import os
os.setxattr('file', 'user.note', b'some text')
os.setxattr('many', 'trusted.t', b'x')
os.setxattr('page1', 'security.capability', bytes.fromhex('0100000200040000' + '00' * 12))"
touch '!first' -- '-dash' '.hidden'
cd ..; find tree -type d | sort -r | xargs touch -d '2010-01-01 01:01:01.000000001')sh";

struct Archive {
  const char* name;
  const char* pack;    // makes ../a.tar from the working directory
  const char* unpack;  // takes it apart in the working directory
};

void PrintTo(const Archive& archive, std::ostream* out) { *out << archive.name; }

class MountedLayer : public fixtures::LeakCheckedTest,
                     public ::testing::WithParamInterface<Archive> {};

constexpr const char* kGnuUnpack =
    "tar -x -p --delay-directory-restore --numeric-owner --xattrs --xattrs-include='*' -f ../a.tar";

INSTANTIATE_TEST_SUITE_P(
    Archives, MountedLayer,
    ::testing::Values(
        Archive{"gnu", "tar --format=gnu -c -f ../a.tar .", kGnuUnpack},
        Archive{"gnu_sparse", "tar --format=gnu -S -c -f ../a.tar .", kGnuUnpack},
        Archive{"pax", "tar --format=pax --xattrs --xattrs-include='*' -c -f ../a.tar .",
                kGnuUnpack},
        Archive{"pax_sparse00", "tar --format=pax -S --sparse-version=0.0 -c -f ../a.tar .",
                kGnuUnpack},
        Archive{"pax_sparse01", "tar --format=pax -S --sparse-version=0.1 -c -f ../a.tar .",
                kGnuUnpack},
        Archive{"pax_sparse10", "tar --format=pax -S --sparse-version=1.0 -c -f ../a.tar .",
                kGnuUnpack},
        Archive{"bsdtar", "bsdtar --format=pax --xattrs -c -f ../a.tar .", kGnuUnpack},
        Archive{"python",
                "python3 -c \"import tarfile; t = tarfile.open('../a.tar', 'w'); t.add('.'); "
                "t.close()\"",
                kGnuUnpack}),
    [](const auto& archive) { return archive.param.name; });

TEST_P(MountedLayer, looks_as_what_tar_unpacks) {
  REQUIRE(root);
  const auto temporary = file::TempDir::create("/tmp", "proa-layer.");
  ASSERT_OK(temporary);
  const std::string base = temporary.value().path();
  ASSERT_EQ(run(cat("cd ", base, "; ", kMakeTree)), "");
  ASSERT_EQ(run(cat("cd ", base, "/tree; ", GetParam().pack)), "");
  ASSERT_EQ(run(cat("mkdir ", base, "/out ", base, "/m; cd ", base, "/out; ", GetParam().unpack)),
            "");
  const std::string tar = file::read_file(cat(base, "/a.tar"), 1 << 30).take();
  const auto layer = fixtures::convert(tar);
  ASSERT_OK(layer);
  ASSERT_OK(verify_metadata(layer.value().image, layer.value().info.diff_id));
  const auto restored = fixtures::restore(layer.value());
  ASSERT_OK(restored);
  EXPECT_TRUE(restored.value() == tar);

  const std::string image = cat(base, "/layer.erofs");
  const std::string bytes = fixtures::bytes_in(layer.value().image);
  const Fd file = file::open(image, O_WRONLY | O_CREAT, 0600).take();
  ASSERT_OK(file::write_all(file, bytes_of(bytes)));
  EXPECT_EQ(run(cat("fsck.erofs ", image, " >/dev/null")), "");
  for (const Rung rung : {Rung::descriptor, Rung::loop}) {
    const auto mounted = mount_layer(image, rung);
    ASSERT_OK(mounted);
    ASSERT_OK(mount::attach(mounted.value().fd(), cat(base, "/m")));
    const auto expected = facts_of(cat(base, "/out"));
    const auto actual = facts_of(cat(base, "/m"));
    EXPECT_OK(mount::unmount(cat(base, "/m"), MNT_DETACH));
    EXPECT_EQ(expected.size(), actual.size());
    for (const auto& [path, fact] : expected) {
      const auto found = actual.find(path);
      EXPECT_EQ(found == actual.end() ? "missing" : found->second, fact) << path;
    }
  }
}

// What lies in a hole of the file is a hole of the layer: 50 MB of sparse file take no room.
TEST(SparseLayer, holes_stay_holes) {
  REQUIRE(root);
  const auto temporary = file::TempDir::create("/tmp", "proa-layer.");
  ASSERT_OK(temporary);
  const std::string base = temporary.value().path();
  ASSERT_EQ(run(cat("cd ", base, "; truncate -s 5G big; printf x | dd of=big bs=1 seek=5000000000 ",
                    "conv=notrunc status=none; tar -S -c -f a.tar big")),
            "");
  const auto layer = fixtures::convert(file::read_file(cat(base, "/a.tar")).take());
  ASSERT_OK(layer);
  const auto status = file::stat(layer.value().image);
  ASSERT_OK(status);
  EXPECT_LT(status.value().st_blocks * 512, 1 << 20);
  EXPECT_LT(layer.value().info.image_bytes, std::uint64_t{16} << 20);
  const auto reader = fixtures::reader_of(layer.value());
  ASSERT_OK(reader);
  const auto big = reader.value().look_up("big");
  ASSERT_OK(big);
  EXPECT_EQ(big.value().size, std::uint64_t{5} << 30);
  std::array<std::byte, 3> around = {};
  ASSERT_OK(reader.value().read(big.value(), 4'999'999'999, around));
  EXPECT_EQ(text_of(around), std::string_view("\0x\0", 3));
}

}  // namespace
}  // namespace proa::image
