#include "image/layer/erofs_directory.h"

#include <algorithm>
#include <array>
#include <vector>

#include "image/layer/erofs_format.h"

namespace proa::image::erofs {
namespace {

struct Item {
  std::string_view name;
  InodeId inode;
};

// Calls `take` for every entry by name in byte order, "." and ".." at their places among them.
template <typename Take>
void for_each_item(const LayerTree& tree, InodeId directory,
                   std::span<const std::uint32_t> children, const Take& take) {
  const std::array<Item, 2> own = {Item{.name = ".", .inode = directory},
                                   Item{.name = "..", .inode = tree.inode(directory).extra}};
  std::size_t given = 0;
  for (const std::uint32_t number : children) {
    const TreeEntry& entry = tree.entries()[number];
    const std::string_view name = tree.name(entry);
    while (given < own.size() && own[given].name < name) take(own[given++]);
    take(Item{.name = name, .inode = entry.inode});
  }
  while (given < own.size()) take(own[given++]);
}

void append_block(const LayerTree& tree, std::span<const Item> items, std::string& content) {
  auto name_offset = static_cast<std::uint16_t>(items.size() * sizeof(Dirent));
  for (const Item& item : items) {
    const TreeInode& inode = tree.inode(item.inode);
    Dirent dirent = {};
    dirent.inode = inode.number;
    dirent.name_offset = name_offset;
    dirent.type = static_cast<std::uint8_t>(file_type(inode.mode));
    content.append(text_of(bytes_of(dirent)));
    name_offset = static_cast<std::uint16_t>(name_offset + item.name.size());
  }
  for (const Item& item : items) content.append(item.name);
}

}  // namespace

std::uint64_t directory_size(const LayerTree& tree, std::span<const std::uint32_t> children) {
  std::uint64_t whole = 0;
  std::uint64_t used = 0;
  // Which inode "." and ".." name does not matter for the size.
  for_each_item(tree, LayerTree::kRoot, children, [&](const Item& item) {
    const std::uint64_t size = sizeof(Dirent) + item.name.size();
    if (used + size > kBlock) {
      whole += kBlock;
      used = 0;
    }
    used += size;
  });
  return whole + used;
}

std::string encode_directory(const LayerTree& tree, InodeId directory,
                             std::span<const std::uint32_t> children) {
  std::string content;
  std::vector<Item> block;
  std::uint64_t used = 0;
  for_each_item(tree, directory, children, [&](const Item& item) {
    const std::uint64_t size = sizeof(Dirent) + item.name.size();
    if (used + size > kBlock) {
      append_block(tree, block, content);
      content.resize((content.size() + kBlock - 1) / kBlock * kBlock, '\0');
      block.clear();
      used = 0;
    }
    used += size;
    block.push_back(item);
  });
  append_block(tree, block, content);
  return content;
}

}  // namespace proa::image::erofs
