#include "vmm/arch/x86_64/acpi/tables.h"

#include <gtest/gtest.h>

#include <map>

#include "base/bytes.h"
#include "vmm/arch/x86_64/acpi/aml.h"
#include "vmm/arch/x86_64/pvh.h"
#include "vmm/memory/layout.h"

namespace proa::vmm::x86_64 {
namespace {

constexpr GuestAddr kAddress{0xe0000};

unsigned sum(std::string_view bytes) {
  unsigned total = 0;
  for (const char byte : bytes) total += static_cast<unsigned char>(byte);
  return total & 0xff;
}

template <typename Number>
std::uint64_t number_at(std::string_view block, std::size_t offset) {
  return copy_from<Number>(bytes_of(block.substr(offset, sizeof(Number)))).get();
}

// Follows the pointers as a guest would: signature to table.
std::map<std::string, std::string> tables_of(const std::string& block) {
  std::map<std::string, std::string> tables;
  const auto table_at = [&](std::uint64_t address) {
    const std::size_t offset = address - kAddress.value;
    const std::string table = block.substr(offset, number_at<Le32>(block, offset + 4));
    tables[table.substr(0, 4)] = table;
    return table;
  };
  const std::string xsdt = table_at(number_at<Le64>(block, 24));
  for (std::size_t at = 36; at < xsdt.size(); at += 8) table_at(number_at<Le64>(xsdt, at));
  table_at(number_at<Le64>(tables["FACP"], 140));
  return tables;
}

TEST(AcpiTables, every_table_is_reached_and_sums_to_zero) {
  const std::string block = acpi_tables({.vcpus = 64,
                                         .virtio_mmio_devices = 2,
                                         .pci = true,
                                         .pci_window64 = {{68 * kGiB}, 32 * kGiB},
                                         .generation_id = kGenerationId},
                                        kAddress);
  EXPECT_LE(block.size(), kAcpiTables.size);
  EXPECT_EQ(sum(std::string_view(block).substr(0, 20)), 0U);
  EXPECT_EQ(sum(std::string_view(block).substr(0, 36)), 0U);
  const auto tables = tables_of(block);
  ASSERT_EQ(tables.size(), 5U);
  for (const auto& [signature, table] : tables) EXPECT_EQ(sum(table), 0U) << signature;
  EXPECT_EQ(tables.at("APIC").size(), 44U + 64 * 8 + 12);
  EXPECT_NE(tables.at("DSDT").find("LNRO0005"), std::string::npos);
}

TEST(AcpiTables, without_pci_there_is_no_mcfg) {
  const auto tables = tables_of(acpi_tables({}, kAddress));
  EXPECT_FALSE(tables.contains("MCFG"));
  EXPECT_EQ(tables.at("DSDT").find("LNRO0005"), std::string::npos);
}

TEST(Aml, numbers_take_the_shortest_form) {
  EXPECT_EQ(aml::integer(0), std::string(1, '\0'));
  EXPECT_EQ(aml::integer(1), "\x01");
  EXPECT_EQ(aml::integer(0xff), "\x0a\xff");
  EXPECT_EQ(aml::integer(0x1234), "\x0b\x34\x12");
  EXPECT_EQ(aml::integer(0x12345678), "\x0c\x78\x56\x34\x12");
  EXPECT_EQ(aml::integer(0x1122334455667788), "\x0e\x88\x77\x66\x55\x44\x33\x22\x11");
}

TEST(Aml, eisa_ids_are_packed_big_endian) {
  EXPECT_EQ(aml::eisa_id("PNP0501"), std::string("\x0c\x41\xd0\x05\x01", 5));
}

TEST(Aml, package_lengths_count_themselves) {
  // 61 bytes of content, the operator's length byte included: still one byte.
  EXPECT_EQ(aml::buffer(std::string(60, 'x')).substr(0, 2), "\x11\x3f");
  // One more: two bytes, 0x41 in all.
  EXPECT_EQ(aml::buffer(std::string(61, 'x')).substr(0, 3), "\x11\x41\x04");
}

TEST(Aml, paths_are_padded_and_prefixed) {
  EXPECT_EQ(aml::path("\\_S5"), "\\_S5_");
  EXPECT_EQ(aml::path("\\_SB.PCI0"), "\\\x2e_SB_PCI0");
}

}  // namespace
}  // namespace proa::vmm::x86_64
