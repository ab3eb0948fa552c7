#include "container/seccomp/cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "base/text.h"
#include "container/seccomp/docker_profile.h"
#include "kernel/file/file.h"
#include "kernel/file/temp_dir.h"
#include "tests/fixtures/require.h"

namespace proa::container::seccomp {
namespace {

using oci::runtime::Seccomp;

bool equal(const std::vector<sock_filter>& left, const std::vector<sock_filter>& right) {
  return left.size() == right.size() &&
         std::memcmp(left.data(), right.data(), left.size() * sizeof(sock_filter)) == 0;
}

const std::vector<sock_filter> kProgram = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
                                           {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 39},
                                           {BPF_RET | BPF_K, 0, 0, 0x7fff0000},
                                           {BPF_RET | BPF_K, 0, 0, 0x00050001}};

class SeccompCache : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<file::TempDir> made = file::TempDir::create("/tmp", "proa-test-");
    ASSERT_OK(made);
    directory_.emplace(made.take());
    Result<Seccomp> profile = default_profile({});
    ASSERT_OK(profile);
    profile_ = profile.take();
  }

  std::string cache() const { return cat(directory_->path(), "/cache"); }
  std::vector<std::string> entries() const {
    const Result<Fd> fd = file::open(cache(), O_RDONLY | O_DIRECTORY);
    return fd.ok() ? file::list(fd.value()).value() : std::vector<std::string>();
  }
  std::string only_entry() const { return cat(cache(), "/", entries().at(0)); }

  std::optional<file::TempDir> directory_;
  Seccomp profile_;
};

TEST_F(SeccompCache, second_start_reads_what_the_first_compiled) {
  const Result<Filter> first = compile_cached(profile_, cache());
  ASSERT_OK(first);
  ASSERT_EQ(entries().size(), 1U);
  const struct stat before = file::stat_at(FdRef::cwd(), only_entry()).value();
  const Result<Filter> second = compile_cached(profile_, cache());
  ASSERT_OK(second);
  EXPECT_TRUE(equal(first.value().program, second.value().program));
  const struct stat after = file::stat_at(FdRef::cwd(), only_entry()).value();
  EXPECT_EQ(before.st_ino, after.st_ino) << "the entry was made anew";
}

TEST_F(SeccompCache, damaged_entry_is_made_anew) {
  const Result<Filter> good = compile_cached(profile_, cache());
  ASSERT_OK(good);
  const std::string entry = file::read_file(only_entry()).value();
  for (const std::size_t at :
       {std::size_t{0}, std::size_t{9}, std::size_t{20}, std::size_t{100}, entry.size() - 1}) {
    std::string damaged = entry;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    ASSERT_OK(file::replace_file(FdRef::cwd(), only_entry(), damaged, 0600, file::Durable::no));
    const Result<Filter> again = compile_cached(profile_, cache());
    ASSERT_OK(again);
    EXPECT_TRUE(equal(again.value().program, good.value().program)) << "byte " << at;
    EXPECT_EQ(file::read_file(only_entry()).value(), entry) << "byte " << at;
  }
  ASSERT_OK(
      file::replace_file(FdRef::cwd(), only_entry(), entry.substr(0, 60), 0600, file::Durable::no));
  ASSERT_OK(compile_cached(profile_, cache()));
  EXPECT_EQ(file::read_file(only_entry()).value(), entry);
}

TEST_F(SeccompCache, other_profile_with_the_same_name_is_not_believed) {
  const std::string entry = encode_entry("one key", kProgram);
  EXPECT_TRUE(equal(decode_entry(entry, "one key").value(), kProgram));
  const auto other = decode_entry(entry, "two key");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().message(), "seccomp cache entry: made for another profile");
}

TEST_F(SeccompCache, program_that_the_kernel_would_refuse_is_not_believed) {
  std::vector<sock_filter> jumps_out = kProgram;
  jumps_out[1].jf = 9;
  EXPECT_FALSE(decode_entry(encode_entry("k", jumps_out), "k").ok());
  std::vector<sock_filter> no_end = kProgram;
  no_end.pop_back();
  no_end.back() = kProgram[0];
  EXPECT_FALSE(decode_entry(encode_entry("k", no_end), "k").ok());
  EXPECT_FALSE(decode_entry(encode_entry("k", {}), "k").ok());
}

TEST_F(SeccompCache, directory_that_others_may_write_to_is_done_without) {
  ASSERT_EQ(::mkdir(cache().c_str(), 0700), 0);
  ASSERT_EQ(::chmod(cache().c_str(), 0777), 0);
  ASSERT_OK(compile_cached(profile_, cache()));
  EXPECT_TRUE(entries().empty());
  ASSERT_OK(compile_cached(profile_, "/proc/no/such/place"));
}

TEST_F(SeccompCache, writers_at_once_all_get_the_filter) {
  std::atomic<int> good = 0;
  std::vector<std::jthread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        const Result<Filter> filter = compile_cached(profile_, cache());
        if (filter.ok() && !filter.value().program.empty()) ++good;
        for (const std::string& name : entries()) {
          if (round < 4) ::unlink(cat(cache(), "/", name).c_str());
        }
      }
    });
  }
  writers.clear();
  EXPECT_EQ(good, 20);
  EXPECT_LE(entries().size(), 1U) << "a temporary file was left";
}

TEST_F(SeccompCache, old_entries_make_room) {
  ASSERT_OK(compile_cached(profile_, cache()));
  const std::string first = only_entry();
  const timespec old[2] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, first.c_str(), old, 0), 0);
  for (std::size_t i = 1; i < kMostCacheEntries; ++i) {
    ASSERT_OK(file::replace_file(FdRef::cwd(), cat(cache(), "/x", i), "", 0600, file::Durable::no));
  }
  Seccomp other = profile_;
  other.default_errno_return = 2;
  ASSERT_OK(compile_cached(other, cache()));
  EXPECT_EQ(entries().size(), kMostCacheEntries);
  EXPECT_FALSE(file::exists(first));
}

}  // namespace
}  // namespace proa::container::seccomp
