#include "compose/model/read.h"

#include <algorithm>
#include <concepts>

#include "base/fields.h"
#include "base/nearest.h"
#include "base/number.h"
#include "client/format/units.h"
#include "compose/document/scalars.h"
#include "compose/model/keyed.h"

namespace proa::compose {
namespace {

// Keys of the Compose specification that nothing here reads: no slips of the keys that they
// resemble.
constexpr std::string_view kNotCarriedOut[] = {"additional_contexts",
                                               "blkio_config",
                                               "cache_from",
                                               "cache_to",
                                               "cpu_count",
                                               "cpu_percent",
                                               "cpu_rt_period",
                                               "cpu_rt_runtime",
                                               "credential_spec",
                                               "develop",
                                               "devices",
                                               "driver",
                                               "driver_opts",
                                               "enable_ipv4",
                                               "endpoint_mode",
                                               "entitlements",
                                               "generic_resources",
                                               "gpus",
                                               "gw_priority",
                                               "image",
                                               "interface_name",
                                               "isolation",
                                               "link_local_ips",
                                               "models",
                                               "no_cache_filter",
                                               "placement",
                                               "platforms",
                                               "post_start",
                                               "pre_stop",
                                               "privileged",
                                               "provenance",
                                               "provider",
                                               "pull_refresh_after",
                                               "rollback_config",
                                               "sbom",
                                               "ssh",
                                               "template_driver",
                                               "ulimits",
                                               "update_config",
                                               "use_api_socket"};

class Reader {
 public:
  explicit Reader(std::vector<std::string>& warnings) : warnings_(warnings) {}

  template <typename T>
  Result<void> read(const Node& node, const std::string& path, T& into) {
    if constexpr (Keyed<T>) {
      return read_struct(node, path, into);
    } else if constexpr (OptionalField<T>) {
      if (node.is_null()) return {};
      return read(node, path, into.emplace());
    } else if constexpr (VectorField<T>) {
      if (node.is_null()) return {};
      if (!node.is_sequence()) return expected(node, path, "a list");
      for (std::size_t at = 0; at < node.elements.size(); ++at) {
        TRY(read(node.elements[at], cat(path, "[", at, "]"), into.emplace_back()));
      }
      return {};
    } else if constexpr (StringMapField<T>) {
      if (node.is_null()) return {};
      if (!node.is_mapping()) return expected(node, path, "a mapping");
      for (const auto& [key, value] : node.entries) {
        TRY(read(value, cat(path, ".", key), into[key]));
      }
      return {};
    } else {
      if (node.is_null()) return {};
      if (!node.is_scalar()) return expected(node, path, "a single value");
      Result<T> parsed = parse<T>(node.text);
      if (!parsed.ok()) return node.fault(path, ": ", parsed.error().message());
      into = parsed.take();
      return {};
    }
  }

 private:
  Error expected(const Node& node, const std::string& path, std::string_view what) const {
    return node.fault(path, ": expected ", what, ", got ", node.kind_name());
  }

  template <typename T>
  Result<void> read_struct(const Node& node, const std::string& path, T& into) {
    if (node.is_null()) return {};
    if (!node.is_mapping()) return expected(node, path, "a mapping");
    std::vector<std::string_view> known;
    Result<void> outcome;
    auto visit = [&](std::string_view key, auto& member) {
      known.push_back(key);
      if (!outcome.ok()) return;
      const Node* value = node.find(key);
      if (value != nullptr)
        outcome = read(*value, path.empty() ? std::string(key) : cat(path, ".", key), member);
    };
    T::keys(visit, into);
    if (!outcome.ok()) return outcome;
    for (const auto& [key, value] : node.entries) {
      if (key.starts_with("x-") || std::ranges::find(known, key) != known.end()) continue;
      if (path.empty() && (key == "version" || key == "include")) continue;
      if (key == "extends") continue;  // resolved before
      TRY(judge_unknown(key, value, path, known));
    }
    return {};
  }

  // What looks like a slip is refused, as the setting that was meant would be missing.
  Result<void> judge_unknown(std::string_view key, const Node& value, const std::string& path,
                             std::span<const std::string_view> known) {
    const Place& place = value.key_place.line == 0 ? value.place : value.key_place;
    const std::string whole = cat(path, path.empty() ? "" : ".", printable(key));
    if (std::ranges::find(kNotCarriedOut, key) != std::end(kNotCarriedOut)) {
      warnings_.push_back(cat(place.text(), ": ", whole, ": this key is not supported; ignored"));
      return {};
    }
    constexpr std::size_t kShort = 4;
    if (const auto meant = nearest(key, known, key.size() <= kShort ? 1 : 2)) {
      return fail(ErrorKind::invalid_argument, place.text(), ": ", path, path.empty() ? "" : ": ",
                  "unknown key '", printable(key), "', did you mean '", *meant, "'?");
    }
    warnings_.push_back(cat(place.text(), ": ", whole, ": this key is not known; ignored"));
    return {};
  }

  template <typename T>
  static Result<T> parse(const std::string& text) {
    if constexpr (std::same_as<T, std::string>) {
      return text;
    } else if constexpr (std::same_as<T, bool>) {
      return parse_boolean(text);
    } else if constexpr (std::same_as<T, ByteSize>) {
      if (text == "-1") return ByteSize{-1};
      return ByteSize{TRY(client::parse_size(text))};
    } else if constexpr (std::same_as<T, Duration>) {
      const std::chrono::nanoseconds span = TRY(client::parse_duration(text));
      return Duration{span.count()};
    } else if constexpr (std::same_as<T, CpuCount>) {
      return CpuCount{TRY(parse_decimal(text))};
    } else if constexpr (std::same_as<T, FileMode>) {
      std::string_view digits = text;
      if (digits.starts_with("0o")) digits.remove_prefix(2);
      return FileMode{TRY(parse_number<std::uint32_t>(digits, 8))};
    } else {
      static_assert(std::integral<T>);
      return parse_number<T>(text);
    }
  }

  std::vector<std::string>& warnings_;
};

}  // namespace

Result<Project> read_project(const Node& root, std::vector<std::string>& warnings) {
  Project project;
  if (root.is_null()) return root.fault("the file says nothing: a project has services");
  TRY(Reader(warnings).read(root, "", project));
  for (auto& [name, service] : project.services) service.name = name;
  return project;
}

}  // namespace proa::compose
