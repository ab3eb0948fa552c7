// Docker's Resources: the limits of a workload as create, update and inspect have them.
#pragma once

#include "api/route/shape.h"
#include "engine/config.h"

namespace proa::api {

template <typename Visitor, Is<engine::Ulimit> Self>
void shape(Visitor& visit, Self& self) {
  visit("Name", self.name);
  visit("Hard", self.hard);
  visit("Soft", self.soft);
}

template <typename Visitor, Is<engine::Device> Self>
void shape(Visitor& visit, Self& self) {
  visit("PathOnHost", self.host_path);
  visit("PathInContainer", self.path);
  visit("CgroupPermissions", self.permissions);
}

template <typename Visitor, Is<engine::Limits> Self>
void shape(Visitor& visit, Self& self) {
  visit("CpuShares", self.cpu_shares);
  visit("Memory", self.memory);
  visit("NanoCpus", self.nano_cpus);
  visit("BlkioWeight", self.block_weight);
  visit("CpuPeriod", self.cpu_period);
  visit("CpuQuota", self.cpu_quota);
  visit("CpusetCpus", self.cpuset_cpus);
  visit("CpusetMems", self.cpuset_mems);
  visit("MemoryReservation", self.memory_reservation);
  visit("MemorySwap", self.memory_swap);
  visit("MemorySwappiness", self.memory_swappiness);
  visit("OomKillDisable", self.oom_kill_disable);
  visit("PidsLimit", self.pids);
}

}  // namespace proa::api

namespace proa::api::docker {

// A member that asks for something Proa does not have is refused by its name, unless it is empty.
//
// Errors: unsupported (names the field)
Result<void> refuse_unsupported(const json::Reader& object,
                                std::initializer_list<const char*> keys);

Result<void> read_limits(const json::Reader& reader, engine::Limits& limits);
// Errors: invalid_argument, in Docker's words
Result<void> check_limits(const engine::Limits& limits);
void print_limits(const engine::Limits& limits, json::Value& host_config);

}  // namespace proa::api::docker
