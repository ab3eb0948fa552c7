// Questions and answers from anybody: parsed or refused, and what is answered can be read again.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "network/dns/cache.h"
#include "network/dns/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  using namespace proa::network;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  discard(IpAddress::parse(bytes), "only that it returns");
  if (const auto error = make_format_error(bytes)) CHECK(error->size() == kDnsHeader);
  const Result<DnsQuestion> question = parse_question(bytes);
  if (!question.ok()) return 0;
  static_cast<void>(address_of_pointer(question.value().name));
  const std::string refused = make_refusal(question.value(), DnsCode::no_such_name);
  CHECK(check_answer(refused, question.value(), question.value().id).ok());
  const std::vector<IpAddress> many(100, IpAddress::v4(1));
  const std::string addresses = make_addresses(question.value(), many, question.value().udp_size);
  CHECK(addresses.size() <= std::max(question.value().udp_size, refused.size()));
  const auto checked = check_answer(addresses, question.value(), question.value().id);
  CHECK(checked.ok());
  // The same bytes as if another server had sent them.
  const auto foreign = check_answer(bytes, question.value(), question.value().id);
  if (foreign.ok()) {
    DnsCache cache;
    cache.put("k", std::string(bytes), foreign.value(), {});
    static_cast<void>(cache.find("k", question.value(), {}));
  }
  return 0;
}
