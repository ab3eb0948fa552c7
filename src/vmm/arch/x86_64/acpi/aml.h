// A small writer of ACPI machine language: just the terms that our own tables are made of. Every
// function gives the bytes of one term; terms are put together by putting strings together.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "vmm/memory/guest_addr.h"

namespace proa::vmm::x86_64::aml {

// Spec: ACPI 6.4, section 20.2 (AML grammar) and 6.4 (resource descriptors)

// A name path of segments of up to four characters: "_SB.PCI0", or "\\_S5" from the root.
std::string path(std::string_view dotted);
std::string integer(std::uint64_t number);
std::string text(std::string_view ascii);
// A compressed EISA id such as "PNP0501".
std::string eisa_id(std::string_view id);

// Name(path, term)
std::string name(std::string_view dotted, std::string_view term);
std::string package(std::initializer_list<std::string> elements);
std::string buffer(std::string_view bytes);
std::string device(std::string_view dotted, std::initializer_list<std::string> terms);
std::string scope(std::string_view dotted, std::initializer_list<std::string> terms);
std::string method(std::string_view dotted, unsigned arguments, std::string_view body);
std::string notify(std::string_view dotted, std::uint8_t value);

enum class Trigger : std::uint8_t { level = 0, edge = 1 };

// Resource descriptors, to be put together in a resource_template.
std::string io_port(std::uint16_t base, std::uint8_t length);
std::string memory32(std::uint32_t base, std::uint32_t length);
std::string memory64_window(GuestRange range);
std::string memory32_window(GuestRange range);
std::string bus_numbers(std::uint16_t first, std::uint16_t last);
std::string port_window(std::uint16_t first, std::uint16_t last);
std::string interrupt(std::uint32_t gsi, Trigger trigger);
// The Buffer with all of them and the end tag.
std::string resource_template(std::initializer_list<std::string> descriptors);

}  // namespace proa::vmm::x86_64::aml
