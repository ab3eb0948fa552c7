#include "base/text.h"
#include "container/limits/cgroup_set.h"

namespace proa::container::limits {
namespace {

Result<Member> parse_member(const json::Reader& reader) {
  Member member;
  const json::Reader version = TRY(reader.at("version"));
  const auto number = TRY(version.integer<int>());
  if (number != 1 && number != 2) return version.fault("no cgroup version ", number);
  member.version = number == 1 ? cgroup::Version::v1 : cgroup::Version::v2;
  const json::Reader label = TRY(reader.at("label"));
  member.label = TRY(label.string());
  const json::Reader mount_point = TRY(reader.at("mountPoint"));
  member.mount_point = TRY(mount_point.string());
  const json::Reader path = TRY(reader.at("path"));
  member.path = TRY(path.string());
  if (!member.path.starts_with('/')) return path.fault("is no path below the mount point");
  return member;
}

}  // namespace

json::Value to_json(const Record& record) {
  json::Value list = json::Value::array();
  for (const Member& member : record) {
    json::Value value = json::Value::object();
    value.set("version", member.version == cgroup::Version::v1 ? 1 : 2);
    value.set("label", member.label);
    value.set("mountPoint", member.mount_point);
    value.set("path", member.path);
    list.push(std::move(value));
  }
  return list;
}

Result<Record> parse_record(const json::Reader& reader) {
  Record record;
  const std::vector<json::Reader> elements = TRY(reader.elements());
  for (const json::Reader& element : elements) {
    Member member = TRY(parse_member(element));
    record.push_back(std::move(member));
  }
  return record;
}

}  // namespace proa::container::limits
