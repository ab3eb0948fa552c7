// The records file as a damaged disk or a wrong version would give it.
#include <cstdint>
#include <string_view>

#include "network/dns/directory.h"
#include "wire/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  auto records = wire::decode<network::Records>({reinterpret_cast<const char*>(data), size});
  if (!records.ok()) return 0;
  network::Directory directory(records.take());
  if (const auto* asker = directory.asker(IpAddress::v4(0x0a000002))) {
    directory.find(*asker, "web", network::Directory::Version::v4);
  }
  return 0;
}
