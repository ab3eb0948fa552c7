#include "tests/images/show.h"

#include <algorithm>

#include "oci/distribution/reference.h"
#include "tests/images/context.h"

namespace proa::tests {
namespace {

std::string pad(std::string_view text, std::size_t width) {
  std::string padded(text);
  if (padded.size() < width) padded.append(width - padded.size(), ' ');
  return padded.append("  ");
}

void print_row(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t index = 0; index < cells.size(); ++index) {
    line.append(index + 1 == cells.size() ? cells[index] : pad(cells[index], widths[index]));
  }
  print_line(line);
}

std::string familiar(const std::string& name) {
  const auto reference = oci::distribution::Reference::parse(name);
  return reference.ok() ? reference.value().familiar() : name;
}

std::string short_id(const Digest& digest) { return digest.hex().substr(0, 12); }

json::Value texts(const std::vector<std::string>& list) {
  return list.empty() ? json::Value::array() : json::Value(list);
}

}  // namespace

void show_images(const std::vector<image::Image>& images) {
  std::vector<std::vector<std::string>> rows = {{"NAME", "ID", "CREATED", "SIZE"}};
  for (const image::Image& image : images) {
    std::vector<std::string> names = image.names;
    if (names.empty() && !image.repository_digests.empty()) names = {image.repository_digests[0]};
    if (names.empty()) names = {""};
    for (const std::string& name : names) {
      rows.push_back({name.empty() ? "<none>" : familiar(name), short_id(image.id()),
                      image.config.created.substr(0, 19), human_size(image.size)});
    }
  }
  std::vector<std::size_t> widths(4, 0);
  for (const auto& row : rows) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  for (const auto& row : rows) print_row(row, widths);
}

void show_inspect(const image::Image& image) {
  json::Value value = json::Value::object();
  value.set("Id", image.id().text());
  std::vector<std::string> names;
  for (const std::string& name : image.names) names.push_back(familiar(name));
  value.set("RepoTags", texts(names));
  value.set("RepoDigests", texts(image.repository_digests));
  value.set("Descriptor", image.target.to_json());
  value.set("Created", image.config.created);
  value.set("Author", image.config.author);
  value.set("Os", image.config.platform.os);
  value.set("Architecture", image.config.platform.architecture);
  value.set("Variant", image.config.platform.variant);
  value.set("Size", image.size);
  value.set("Config", oci::image::to_json(image.config.run));
  std::vector<std::string> layers;
  for (const Digest& diff_id : image.config.diff_ids) layers.push_back(diff_id.text());
  json::Value rootfs = json::Value::object();
  rootfs.set("Type", "layers");
  rootfs.set("Layers", texts(layers));
  value.set("RootFS", std::move(rootfs));
  json::Value list = json::Value::array();
  list.push(std::move(value));
  print_line(json::print_pretty(list));
}

Result<void> show_history(const image::Store& store, const image::Image& image) {
  std::vector<std::string> lines;
  std::size_t layer = 0;
  for (const oci::image::HistoryEntry& entry : image.config.history) {
    std::string size = "0B";
    if (!entry.empty_layer && layer < image.config.diff_ids.size()) {
      const auto record = TRY(store.layer(image.config.diff_ids[layer++]));
      size = record ? human_size(record->tar_size) : "missing";
    }
    lines.push_back(cat(pad(entry.created.substr(0, 19), 19), pad(size, 8),
                        printable(entry.created_by, 200),
                        entry.comment.empty() ? "" : cat("  # ", printable(entry.comment))));
  }
  std::ranges::reverse(lines);
  for (const std::string& line : lines) print_line(line);
  return {};
}

void show_usage(const image::DiskUsage& usage) {
  for (const auto& counted : usage.images) {
    print_line(cat(short_id(counted.id), "  ", pad(human_size(counted.bytes), 8), "shared ",
                   human_size(counted.shared)));
  }
  print_line(cat("Blobs: ", human_size(usage.blobs)));
  print_line(cat("Layers: ", human_size(usage.layers)));
  print_line(cat("Reclaimable: ", human_size(usage.reclaimable)));
}

}  // namespace proa::tests
