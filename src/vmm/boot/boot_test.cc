#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "tests/fixtures/require.h"
#include "vmm/boot/bzimage.h"
#include "vmm/boot/elf.h"

namespace proa::vmm::boot {
namespace {

// A kernel of one segment of 16 bytes at 1 MiB and a PVH note.
struct SmallElf {
  Elf64_Ehdr header = {};
  Elf64_Phdr load = {};
  Elf64_Phdr notes = {};
  Elf64_Nhdr note = {4, 4, 18};
  char name[4] = {'X', 'e', 'n', 0};
  Le32 entry = 0x100004;
  char code[16] = {};

  SmallElf() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = EM_X86_64;
    header.e_phoff = offsetof(SmallElf, load);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;
    load.p_type = PT_LOAD;
    load.p_offset = offsetof(SmallElf, code);
    load.p_filesz = sizeof code;
    load.p_memsz = 0x1000;
    load.p_paddr = 0x100000;
    notes.p_type = PT_NOTE;
    notes.p_offset = offsetof(SmallElf, note);
    notes.p_filesz = 20;
  }
};

TEST(Elf, segments_and_the_pvh_entry_are_found) {
  const SmallElf file;
  const auto kernel = parse_elf(bytes_of(file));
  ASSERT_OK(kernel);
  EXPECT_EQ(kernel.value().entry.value, 0x100004U);
  ASSERT_EQ(kernel.value().segments.size(), 1U);
  EXPECT_EQ(kernel.value().segments[0].guest, (GuestRange{{0x100000}, 0x1000}));
  EXPECT_EQ(kernel.value().end.value, 0x101000U);
}

TEST(Elf, a_kernel_without_pvh_entry_is_unsupported) {
  SmallElf file;
  file.note.n_type = 17;
  EXPECT_EQ(parse_elf(bytes_of(file)).error().kind(), ErrorKind::unsupported);
}

TEST(Elf, what_lies_outside_the_file_or_wraps_is_corrupt) {
  SmallElf file;
  file.load.p_offset = ~0UL;
  EXPECT_FALSE(parse_elf(bytes_of(file)).ok());
  file = {};
  file.load.p_filesz = 0x2000;
  EXPECT_FALSE(parse_elf(bytes_of(file)).ok());
  file = {};
  file.load.p_paddr = ~0UL;
  EXPECT_FALSE(parse_elf(bytes_of(file)).ok());
  file = {};
  file.note.n_descsz = ~0U;
  EXPECT_FALSE(parse_elf(bytes_of(file)).ok());
  const SmallElf whole;
  for (std::size_t length = 0; length < offsetof(SmallElf, code) + sizeof whole.code; ++length) {
    EXPECT_FALSE(parse_elf(bytes_of(whole).first(length)).ok()) << length;
  }
}

TEST(Elf, headers_and_notes_that_are_empty_are_no_kernel) {
  SmallElf file;
  file.header.e_phnum = 0;
  EXPECT_FALSE(parse_elf(bytes_of(file)).ok());
  file = {};
  file.notes.p_filesz = 0;
  EXPECT_FALSE(parse_elf(bytes_of(file)).ok());
}

TEST(Elf, other_machines_are_refused) {
  SmallElf file;
  file.header.e_machine = EM_AARCH64;
  EXPECT_EQ(parse_elf(bytes_of(file)).error().kind(), ErrorKind::invalid_argument);
}

// A bzImage whose payload is `packed`.
std::vector<std::byte> bzimage(std::string_view packed) {
  std::string file(1024, '\0');
  file[0x1f1] = 1;
  file.replace(0x202, 4, "HdrS");
  file[0x206] = 0x0f;
  file[0x207] = 2;
  file[0x24c] = static_cast<char>(packed.size());
  file += packed;
  const ByteSpan bytes = bytes_of(std::string_view(file));
  return {bytes.begin(), bytes.end()};
}

// LZ4: one block of a token for five literals, then the length of it all unpacked.
constexpr std::string_view kPacked("\x02\x21\x4c\x18\x06\0\0\0\x50hello\x05\0\0\0", 18);

TEST(BzImage, an_lz4_payload_is_unpacked) {
  const auto kernel = unpack_bzimage(bzimage(kPacked), 100);
  ASSERT_OK(kernel);
  EXPECT_EQ(text_of(kernel.value()), "hello");
}

TEST(BzImage, more_than_the_limit_is_exhausted) {
  EXPECT_EQ(unpack_bzimage(bzimage(kPacked), 4).error().kind(), ErrorKind::exhausted);
}

TEST(BzImage, another_compression_is_named) {
  const auto kernel = unpack_bzimage(bzimage("\xfd"
                                             "7zXZ\1\1\1\1"),
                                     100);
  ASSERT_FALSE(kernel.ok());
  EXPECT_NE(kernel.error().message().find("xz"), std::string::npos);
}

TEST(BzImage, every_truncation_is_refused) {
  const auto whole = bzimage(kPacked);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(unpack_bzimage(ByteSpan(whole).first(length), 100).ok()) << length;
  }
}

}  // namespace
}  // namespace proa::vmm::boot
