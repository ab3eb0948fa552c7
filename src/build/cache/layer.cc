#include "build/cache/layer.h"

#include "base/number.h"
#include "base/text.h"

namespace proa::build {
namespace {

constexpr std::string_view kNone = "none";

}  // namespace

std::string print_step_layer(const std::optional<Layer>& layer) {
  return layer ? cat(layer->diff_id.text(), " ", layer->tar_size) : std::string(kNone);
}

Result<std::optional<Layer>> parse_step_layer(const std::string& value) {
  if (value == kNone) return std::optional<Layer>();
  const auto [digest, size] = split_once(value, ' ');
  const Digest diff_id = TRY(Digest::parse(digest));
  const std::uint64_t bytes = TRY(parse_number<std::uint64_t>(size));
  return std::optional<Layer>(Layer{diff_id, bytes});
}

}  // namespace proa::build
