#include "vmm/boot/elf.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/number.h"

namespace proa::vmm::boot {
namespace {

constexpr std::size_t kMaxProgramHeaders = 64;
constexpr std::uint64_t kMaxNotes = 64 * 1024;
constexpr std::uint32_t kXenPhys32Entry = 18;
constexpr std::uint32_t kNoteAlignment = 4;

Error corrupt(std::string_view what) {
  return fail(ErrorKind::corrupt, "the kernel's ELF file: ", what);
}

Result<Elf64_Ehdr> read_header(std::uint64_t file_size, const ReadAt& read_at) {
  Elf64_Ehdr header = {};
  if (file_size < sizeof header) {
    return fail(ErrorKind::invalid_argument, "the kernel is no ELF file");
  }
  TRY(read_at(0, std::as_writable_bytes(std::span<Elf64_Ehdr, 1>(&header, 1))));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return fail(ErrorKind::invalid_argument, "the kernel is no ELF file");
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != EM_X86_64) {
    return fail(ErrorKind::invalid_argument, "the kernel is not for x86-64");
  }
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > kMaxProgramHeaders) {
    return corrupt("its program headers make no sense");
  }
  return header;
}

Result<void> check_in_file(const Elf64_Phdr& program, std::uint64_t file_size) {
  const auto end = TRY(checked_add(program.p_offset, program.p_filesz));
  if (end > file_size) return corrupt("a segment lies beyond its end");
  return {};
}

// Looks through one PT_NOTE segment for Xen's 32-bit entry.
Result<std::optional<GuestAddr>> find_entry(const Elf64_Phdr& program, const ReadAt& read_at) {
  if (program.p_filesz > kMaxNotes) return corrupt("its notes are too long");
  std::vector<std::byte> notes(program.p_filesz);
  TRY(read_at(program.p_offset, notes));
  ByteSpan left(notes);
  while (left.size() >= sizeof(Elf64_Nhdr)) {
    const auto note = copy_from<Elf64_Nhdr>(left);
    left = left.subspan(sizeof note);
    // Both lengths have 32 bits: their sum in 64 cannot wrap.
    const std::uint64_t name_size =
        align_up(std::uint64_t{note.n_namesz}, std::uint64_t{kNoteAlignment});
    const std::uint64_t text_size =
        align_up(std::uint64_t{note.n_descsz}, std::uint64_t{kNoteAlignment});
    if (name_size > left.size() || note.n_descsz > left.size() - name_size) {
      return corrupt("a note is cut off");
    }
    const std::string_view name = text_of(left.subspan(0, note.n_namesz));
    const ByteSpan content = left.subspan(name_size, note.n_descsz);
    if (note.n_type == kXenPhys32Entry && name == std::string_view("Xen\0", 4) &&
        content.size() >= sizeof(Le32)) {
      return std::optional(GuestAddr{copy_from<Le32>(content).get()});
    }
    left = left.subspan(std::min<std::uint64_t>(name_size + text_size, left.size()));
  }
  return std::optional<GuestAddr>();
}

}  // namespace

Result<ElfKernel> parse_elf(std::uint64_t file_size, const ReadAt& read_at) {
  const Elf64_Ehdr header = TRY(read_header(file_size, read_at));
  std::vector<Elf64_Phdr> programs(header.e_phnum);
  TRY(read_at(header.e_phoff, std::as_writable_bytes(std::span(programs))));

  ElfKernel kernel;
  std::optional<GuestAddr> entry;
  for (const Elf64_Phdr& program : programs) {
    if (program.p_type == PT_LOAD && program.p_memsz != 0) {
      TRY(check_in_file(program, file_size));
      const auto end = TRY(checked_add(program.p_paddr, program.p_memsz));
      if (program.p_filesz > program.p_memsz) return corrupt("a segment is longer than its memory");
      kernel.segments.push_back({.file_offset = program.p_offset,
                                 .file_size = program.p_filesz,
                                 .guest = {{program.p_paddr}, program.p_memsz}});
      kernel.end = std::max(kernel.end, GuestAddr{end});
    } else if (program.p_type == PT_NOTE && !entry.has_value()) {
      TRY(check_in_file(program, file_size));
      entry = TRY(find_entry(program, read_at));
    }
  }
  if (kernel.segments.empty()) return corrupt("it has nothing to load");
  if (!entry.has_value()) {
    return fail(ErrorKind::unsupported, "the kernel has no PVH entry (CONFIG_PVH)");
  }
  kernel.entry = *entry;
  return kernel;
}

Result<ElfKernel> parse_elf(ByteSpan file) {
  return parse_elf(file.size(), [&](std::uint64_t offset, MutableByteSpan into) -> Result<void> {
    if (offset > file.size() || into.size() > file.size() - offset) {
      return corrupt("it is cut off");
    }
    std::ranges::copy(file.subspan(offset, into.size()), into.begin());
    return {};
  });
}

}  // namespace proa::vmm::boot
