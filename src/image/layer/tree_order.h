// The order in which a tree's inodes go to disk, and each directory's entries by name.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "image/layer/tree.h"

namespace proa::image {

// Only what can be reached from the root counts: what a later entry replaced is gone.
// Owner: borrows the tree. Thread: one at a time.
class TreeOrder {
 public:
  // Sorts, and counts each inode's links in the tree.
  explicit TreeOrder(LayerTree& tree);

  // Each inode once, parents before children, a directory's children together.
  const std::vector<InodeId>& inodes() const { return inodes_; }
  // Numbers of a directory's entries, by name in byte order.
  std::span<const std::uint32_t> children(InodeId directory) const {
    return std::span(sorted_).subspan(first_[directory], first_[directory + 1] - first_[directory]);
  }

 private:
  void sort_entries();
  void walk();

  LayerTree& tree_;
  std::vector<std::uint32_t> first_;
  std::vector<std::uint32_t> sorted_;
  std::vector<InodeId> inodes_;
};

}  // namespace proa::image
