#include "api/docker/body/description.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace proa::api::docker {
namespace {

using json::Reader;

// `words` is a list of texts, or one text alone; `map` an object whose members' names are free.
enum class Kind : std::uint8_t { any, text, integer, number, boolean, list, words, map, object };

struct Field {
  std::string_view name;
  Kind kind = Kind::any;
  Kind item = Kind::any;                // of a list's elements and a map's members
  std::span<const Field> members = {};  // of an object, or of what is in the list or map
};

#include "api/docker/body/description.inc"

std::span<const Field> fields_of(Body body) {
  switch (body) {
    case Body::container:
      return kContainerBody;
    case Body::update:
      return kUpdateBody;
    case Body::exec:
      return kExecBody;
    case Body::exec_start:
      return kExecStartBody;
    case Body::commit:
      return kCommitBody;
    case Body::volume:
      return kVolumeBody;
    case Body::network:
      return kNetworkBody;
    case Body::connect:
      return kConnectBody;
    case Body::disconnect:
      return kDisconnectBody;
    case Body::auth:
      return kAuthBody;
  }
  return {};
}

Result<void> check(const Reader& reader, const Field& field);

Result<void> check_members(const Reader& reader, std::span<const Field> fields) {
  for (const auto& [name, member] : TRY(reader.members())) {
    const auto field = std::ranges::find(fields, name, &Field::name);
    if (field != fields.end()) TRY(check(member, *field));
  }
  return {};
}

Result<void> check(const Reader& reader, const Field& field) {
  if (reader.value().is_null()) return {};
  const Field item{.kind = field.item, .members = field.members};
  switch (field.kind) {
    case Kind::any:
      return {};
    case Kind::text:
      TRY(reader.string());
      return {};
    case Kind::integer:
      TRY(reader.integer<std::int64_t>());
      return {};
    case Kind::number:
      TRY(reader.number());
      return {};
    case Kind::boolean:
      TRY(reader.boolean());
      return {};
    case Kind::words:
      if (reader.value().get_if<std::string>() != nullptr) return {};
      [[fallthrough]];
    case Kind::list:
      for (const Reader& element : TRY(reader.elements())) TRY(check(element, item));
      return {};
    case Kind::map:
      for (const auto& [name, member] : TRY(reader.members())) TRY(check(member, item));
      return {};
    case Kind::object:
      return check_members(reader, field.members);
  }
  return {};
}

}  // namespace

Result<void> check_body(const Reader& body, Body which) {
  return check_members(body, fields_of(which));
}

}  // namespace proa::api::docker
