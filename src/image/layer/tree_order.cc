#include "image/layer/tree_order.h"

#include <sys/stat.h>

#include <algorithm>

namespace proa::image {

TreeOrder::TreeOrder(LayerTree& tree) : tree_(tree) {
  sort_entries();
  walk();
}

// Counts each directory's entries, which gives it a range of its own, then sorts every range.
void TreeOrder::sort_entries() {
  const std::deque<TreeEntry>& entries = tree_.entries();
  first_.assign(tree_.inode_count() + 1, 0);
  for (const TreeEntry& entry : entries) ++first_[entry.directory + 1];
  for (std::size_t index = 1; index < first_.size(); ++index) first_[index] += first_[index - 1];
  sorted_.resize(entries.size());
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  for (std::uint32_t number = 0; number < entries.size(); ++number) {
    sorted_[next[entries[number].directory]++] = number;
  }
  const auto by_name = [&](std::uint32_t left, std::uint32_t right) {
    return tree_.name(entries[left]) < tree_.name(entries[right]);
  };
  for (std::size_t directory = 0; directory + 1 < first_.size(); ++directory) {
    std::sort(sorted_.begin() + first_[directory], sorted_.begin() + first_[directory + 1],
              by_name);
  }
}

void TreeOrder::walk() {
  tree_.inode(LayerTree::kRoot).links = 2;
  inodes_.push_back(LayerTree::kRoot);
  for (std::size_t index = 0; index < inodes_.size(); ++index) {
    const InodeId parent = inodes_[index];
    if (!S_ISDIR(tree_.inode(parent).mode)) continue;
    for (const std::uint32_t number : children(parent)) {
      const InodeId id = tree_.entries()[number].inode;
      TreeInode& child = tree_.inode(id);
      if (child.links == 0) inodes_.push_back(id);
      if (S_ISDIR(child.mode)) {
        child.links = 2;
        ++tree_.inode(parent).links;
      } else {
        ++child.links;
      }
    }
  }
}

}  // namespace proa::image
