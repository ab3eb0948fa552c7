#include "network/ports/port_book.h"

#include <gtest/gtest.h>

#include "kernel/socket/internet.h"
#include "tests/fixtures/require.h"

namespace proa::network {
namespace {

PortClaim claim(const char* address, std::uint16_t port, std::uint8_t protocol = 6) {
  return {protocol, IpAddress::parse(address).take(), port};
}

TEST(PortBook, refuses_what_overlaps_and_names_who_has_it) {
  PortBook book;
  ASSERT_OK(book.take(claim("0.0.0.0", 80), "web"));
  const Result<void> again = book.take(claim("192.0.2.1", 80), "other");
  ASSERT_FALSE(again.ok());
  EXPECT_NE(again.error().message().find("port is already allocated: container web has it"),
            std::string::npos)
      << again.error().message();
  EXPECT_OK(book.take(claim("0.0.0.0", 80, 17), "dns"));
  EXPECT_OK(book.take(claim("::", 80), "six"));
  EXPECT_OK(book.take(claim("192.0.2.1", 81), "one"));
  EXPECT_OK(book.take(claim("192.0.2.2", 81), "two"));
  EXPECT_FALSE(book.take(claim("0.0.0.0", 81), "three").ok());
  book.release("web");
  EXPECT_OK(book.take(claim("192.0.2.1", 80), "other"));
}

TEST(check_port_free, names_the_program_that_listens) {
  const Fd taken =
      socket::bind_internet(socket::Transport::tcp, {IpAddress::parse("127.0.0.1").take(), 0})
          .take();
  const std::uint16_t port = socket::port_of(taken).take();
  const Result<void> checked = check_port_free(claim("127.0.0.1", port));
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().kind(), ErrorKind::busy);
  EXPECT_NE(checked.error().message().find("test_network_un"), std::string::npos)
      << checked.error().message();
  const Result<void> elsewhere = check_port_free(claim("192.0.2.77", 80));
  EXPECT_EQ(elsewhere.error().kind(), ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace proa::network
