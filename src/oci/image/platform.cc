#include "oci/image/platform.h"

#include "base/number.h"
#include "base/text.h"

namespace proa::oci::image {
namespace {

// The specification takes Go's names; people also type the kernel's.
std::string_view canonical_architecture(std::string_view name) {
  if (name == "x86_64" || name == "x86-64") return "amd64";
  if (name == "aarch64") return "arm64";
  return name;
}

std::string_view canonical_variant(std::string_view architecture, std::string_view variant) {
  if (architecture == "arm64" && variant.empty()) return "v8";
  if (architecture == "amd64" && variant == "v1") return "";
  return variant;
}

// No system's or processor's name is longer; stores keep them.
constexpr std::size_t kMaxText = 128;

Result<std::string> optional_text(const json::Reader& reader, std::string_view key) {
  const auto member = reader.find(key);
  if (!member) return std::string();
  std::string text = TRY(member->string());
  if (text.size() > kMaxText) {
    return member->fault("it has ", text.size(), " characters, above the limit of ", kMaxText);
  }
  return text;
}

// "v7" -> 7; 0 where there is none.
int generation(std::string_view variant) {
  if (!variant.starts_with('v')) return 0;
  const Result<int> number = parse_number<int>(variant.substr(1));
  return number.ok() ? number.value() : 0;
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") ==
             std::string_view::npos;
}

}  // namespace

Result<Platform> Platform::parse(std::string_view text) {
  const std::string lower = to_lower(text);
  const auto parts = split(lower, '/');
  bool good = parts.size() <= 3;
  for (const std::string_view part : parts) good = good && is_word(part);
  if (!good) {
    return fail(ErrorKind::invalid_argument, "platform '", printable(text),
                "' is not os/architecture[/variant]");
  }
  Platform platform;
  platform.os = parts.size() == 1 ? "linux" : parts[0];
  platform.architecture = canonical_architecture(parts.size() == 1 ? parts[0] : parts[1]);
  if (parts.size() == 3) platform.variant = parts[2];
  return platform;
}

Result<Platform> Platform::parse(const json::Reader& reader) {
  Platform platform;
  platform.os = TRY(optional_text(reader, "os"));
  platform.architecture = TRY(optional_text(reader, "architecture"));
  platform.variant = TRY(optional_text(reader, "variant"));
  platform.os_version = TRY(optional_text(reader, "os.version"));
  return platform;
}

Platform Platform::host() {
#if defined(__x86_64__)
  return {"linux", "amd64", "", ""};
#elif defined(__aarch64__)
  return {"linux", "arm64", "v8", ""};
#else
#error "no architecture name for this processor"
#endif
}

Platform Platform::newest_of_host() {
  Platform platform = host();
#if defined(__x86_64__)
  platform.variant = __builtin_cpu_supports("x86-64-v4")   ? "v4"
                     : __builtin_cpu_supports("x86-64-v3") ? "v3"
                     : __builtin_cpu_supports("x86-64-v2") ? "v2"
                                                           : "v1";
#endif
  return platform;
}

json::Value Platform::to_json() const {
  json::Value value = json::Value::object();
  value.set("architecture", architecture);
  value.set("os", os);
  if (!os_version.empty()) value.set("os.version", os_version);
  if (!variant.empty()) value.set("variant", variant);
  return value;
}

std::string Platform::text() const {
  return variant.empty() ? cat(os, "/", architecture) : cat(os, "/", architecture, "/", variant);
}

bool Platform::accepts(const Platform& offered) const {
  return os == offered.os &&
         canonical_architecture(architecture) == canonical_architecture(offered.architecture) &&
         canonical_variant(architecture, variant) ==
             canonical_variant(offered.architecture, offered.variant);
}

bool Platform::runs(const Platform& made_for) const {
  if (os != made_for.os) return false;
  const std::string_view here = canonical_architecture(architecture);
  const std::string_view there = canonical_architecture(made_for.architecture);
  if (here == "amd64" && there == "386") return true;
  if (here == "arm64" && there == "arm") return true;
  if (here != there) return false;
  if (made_for.variant.empty()) return true;
  // What is wanted without one: the least of amd64, and what arm has had for long.
  const int have = !variant.empty()  ? generation(variant)
                   : here == "amd64" ? 1
                   : here == "arm"   ? 7
                                     : 8;
  return generation(made_for.variant) <= have;
}

}  // namespace proa::oci::image
