// Templates that people, and programs, type after --format.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client/template/template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const proa::json::Value kData =
      proa::json::parse(R"({"Id":"abc","State":{"Pid":7,"Running":true,"Health":null},
                            "Names":["/a","/b"],"Labels":{"k":"v","x":"y"},"Size":1.5})",
                        "data")
          .take();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = proa::client::Template::parse(text);
  if (parsed.ok()) proa::discard(parsed.value().execute(kData), "only crashes count");
  return 0;
}
