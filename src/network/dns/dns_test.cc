#include <gtest/gtest.h>

#include "network/dns/cache.h"
#include "network/dns/directory.h"
#include "network/dns/forwarder.h"
#include "network/dns/message.h"
#include "tests/fixtures/require.h"
#include "wire/codec.h"

namespace proa::network {
namespace {

std::string query(const std::string& name, DnsType type, bool edns = false) {
  std::string message("\x12\x34\x01\0\0\1\0\0\0\0\0", 11);
  message += edns ? '\1' : '\0';
  for (const std::string_view label : split(name, '.')) {
    message += static_cast<char>(label.size());
    message += label;
  }
  message += std::string("\0\0", 2) + static_cast<char>(type) + std::string("\0\1", 2);
  if (edns) message += std::string("\0\0\x29\x10\0\0\0\0\0\0\0", 11);
  return message;
}

DnsQuestion question_of(const std::string& name, DnsType type, bool edns = false) {
  return parse_question(query(name, type, edns)).take();
}

IpAddress ip(const char* text) { return IpAddress::parse(text).take(); }

TEST(parse_question, reads_name_type_and_size) {
  const DnsQuestion question = question_of("Web.Shop", DnsType::aaaa, true);
  EXPECT_EQ(question.name, "web.shop");
  EXPECT_EQ(question.type, DnsType::aaaa);
  EXPECT_EQ(question.id, 0x1234);
  EXPECT_TRUE(question.edns);
  EXPECT_EQ(question.udp_size, kLargestUdp);
  EXPECT_EQ(question_of("web", DnsType::a).udp_size, kPlainUdp);
}

TEST(parse_question, refuses_every_shorter_message) {
  const std::string whole = query("web.shop", DnsType::a);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_question(std::string_view(whole).substr(0, size)).ok()) << size;
  }
  std::string pointer = whole;
  pointer[12] = static_cast<char>(0xc0);  // a name that points back at itself
  EXPECT_FALSE(parse_question(pointer).ok());
  std::string answer = whole;
  answer[2] = static_cast<char>(0x81);
  EXPECT_FALSE(parse_question(answer).ok());
}

// "victim.com" as one label is another name than the two labels, and would be taken for it.
TEST(parse_question, refuses_a_dot_within_a_label) {
  std::string whole = query("victim.com", DnsType::a);
  ASSERT_EQ(whole[12], 6);
  whole[12] = 10;
  whole[19] = '.';
  EXPECT_FALSE(parse_question(whole).ok());
}

TEST(make_addresses, truncates_what_does_not_fit) {
  const DnsQuestion question = question_of("web", DnsType::a);
  const std::vector<IpAddress> many(100, ip("10.0.0.1"));
  const std::string answer = make_addresses(question, many, kPlainUdp);
  EXPECT_LE(answer.size(), kPlainUdp);
  const DnsAnswer checked = check_answer(answer, question, question.id).take();
  EXPECT_TRUE(checked.truncated);
  EXPECT_FALSE(
      check_answer(make_addresses(question, many, 65535), question, question.id).take().truncated);
}

TEST(check_answer, refuses_what_does_not_answer_the_question) {
  const DnsQuestion question = question_of("web", DnsType::a);
  const std::string answer = make_addresses(question, {ip("10.0.0.1")}, kPlainUdp);
  EXPECT_OK(check_answer(answer, question, question.id));
  EXPECT_FALSE(check_answer(answer, question, 1).ok());
  EXPECT_FALSE(check_answer(answer, question_of("wob", DnsType::a), question.id).ok());
  EXPECT_FALSE(check_answer(answer, question_of("web", DnsType::aaaa), question.id).ok());
  for (std::size_t size = 0; size < answer.size(); ++size) {
    EXPECT_FALSE(
        check_answer(std::string_view(answer).substr(0, size), question, question.id).ok());
  }
}

TEST(address_of_pointer, reads_both_versions) {
  EXPECT_EQ(address_of_pointer("4.3.2.10.in-addr.arpa"), ip("10.2.3.4"));
  EXPECT_EQ(address_of_pointer("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f."
                               "ip6.arpa"),
            ip("fd00::2"));
  EXPECT_FALSE(address_of_pointer("3.2.10.in-addr.arpa"));
  EXPECT_FALSE(address_of_pointer("web"));
}

Records three_networks() {
  Records records;
  records.points = {
      {"w1", "front", false, {"10.1.0.2", "fd00:1::2"}, {"web", "w1"}, {}},
      {"w1", "back", false, {"10.2.0.2"}, {"web", "w1"}, {}},
      {"w2", "back", false, {"10.2.0.3"}, {"db", "store"}, {}},
      {"w3", "back", false, {"10.2.0.4"}, {"db2", "store"}, {"192.0.2.1"}},
      {"w4", "closed", true, {"10.3.0.2"}, {"vault"}, {}},
  };
  return records;
}

TEST(Directory, answers_by_the_askers_networks) {
  const std::string encoded = wire::encode(three_networks());
  Directory directory(wire::decode<Records>(encoded).take());
  const auto* web = directory.asker(ip("10.1.0.2"));
  const auto* db = directory.asker(ip("10.2.0.3"));
  const auto* vault = directory.asker(ip("10.3.0.2"));
  ASSERT_TRUE(web != nullptr && db != nullptr && vault != nullptr);
  EXPECT_EQ(directory.asker(ip("10.9.0.1")), nullptr);
  using enum Directory::Version;
  EXPECT_EQ(directory.find(*web, "db", v4).addresses, std::vector{ip("10.2.0.3")});
  // From the back network only that side of web is seen.
  EXPECT_EQ(directory.find(*db, "web", v4).addresses, std::vector{ip("10.2.0.2")});
  EXPECT_TRUE(directory.find(*db, "web", v6).known);
  EXPECT_TRUE(directory.find(*db, "web", v6).addresses.empty());
  EXPECT_EQ(directory.find(*web, "web.front", v4).addresses, std::vector{ip("10.1.0.2")});
  EXPECT_FALSE(directory.find(*vault, "web", v4).known);
  EXPECT_FALSE(directory.find(*web, "vault", v4).known);
  EXPECT_TRUE(web->may_leave);
  EXPECT_FALSE(vault->may_leave);
  EXPECT_EQ(directory.name_of(*db, ip("10.2.0.2")), "web.back");
  EXPECT_EQ(directory.name_of(*db, ip("10.1.0.2")), std::nullopt);
}

TEST(Directory, knows_a_link_for_its_asker_alone) {
  Records records = three_networks();
  records.points[1].links = {{"data", "db"}, {"db2", "db"}, {"safe", "vault"}};
  Directory directory(std::move(records));
  const auto* web = directory.asker(ip("10.1.0.2"));
  const auto* db = directory.asker(ip("10.2.0.3"));
  ASSERT_TRUE(web != nullptr && db != nullptr);
  using enum Directory::Version;
  EXPECT_EQ(directory.find(*web, "data", v4).addresses, std::vector{ip("10.2.0.3")});
  EXPECT_EQ(directory.find(*web, "db2", v4).addresses, std::vector{ip("10.2.0.3")});
  EXPECT_FALSE(directory.find(*db, "data", v4).known);
  EXPECT_FALSE(directory.find(*web, "safe", v4).known) << "it is on no network of web's";
}

TEST(Directory, turns_the_addresses_of_an_alias) {
  Directory directory(three_networks());
  const auto* web = directory.asker(ip("10.1.0.2"));
  ASSERT_NE(web, nullptr);
  const auto first = directory.find(*web, "store", Directory::Version::v4).addresses;
  const auto second = directory.find(*web, "store", Directory::Version::v4).addresses;
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0], second[1]);
  EXPECT_EQ(first[1], second[0]);
}

TEST(Records, parts_one_behind_the_other_are_one_record) {
  Records first, second;
  first.points = {three_networks().points[0]};
  second.points = {three_networks().points[2]};
  second.ports = {{6, "127.0.0.1", 8080, "10.2.0.3", 80}};
  const auto both = wire::decode<Records>(wire::encode(first) + wire::encode(second));
  ASSERT_OK(both);
  EXPECT_EQ(both.value().points.size(), 2U);
  EXPECT_EQ(both.value().ports.size(), 1U);
}

TEST(DnsCache, keeps_an_answer_for_as_long_as_it_says) {
  DnsCache cache;
  DnsQuestion question = question_of("example.org", DnsType::a);
  std::string answer = make_addresses(question, {ip("192.0.2.7")}, kPlainUdp);
  const DnsAnswer checked = check_answer(answer, question, question.id).take();
  EXPECT_EQ(checked.lifetime, 5U);
  const DnsCache::Clock::time_point start;
  const std::string key = DnsCache::key_of(question, "");
  cache.put(key, answer, checked, start);
  question.id = 7;
  const auto kept = cache.find(key, question, start + std::chrono::seconds(3));
  ASSERT_TRUE(kept);
  const DnsAnswer aged = check_answer(*kept, question, 7).take();
  EXPECT_EQ(aged.lifetime, 2U);
  EXPECT_FALSE(cache.find(key, question, start + std::chrono::seconds(5)));
  EXPECT_FALSE(cache.find(DnsCache::key_of(question, "192.0.2.1 "), question, start));
}

TEST(servers_of, reads_resolv_conf) {
  const auto servers = servers_of(
      "# mine\nsearch a b\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\n"
      "nameserver nonsense\n");
  ASSERT_EQ(servers.size(), 2U);
  EXPECT_EQ(servers[0].address.text(), "192.0.2.1");
  EXPECT_EQ(servers[1].port, 53);
}

}  // namespace
}  // namespace proa::network
