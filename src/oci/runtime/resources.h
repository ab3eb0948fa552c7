// `linux.resources` of the OCI runtime specification: what a container may use. Types and parser
// only; container/limits turns them into writes to cgroup files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace proa::oci::runtime {

enum class DeviceType : std::uint8_t { all, character, block };

struct DeviceAccess {
  bool read = false;
  bool write = false;
  bool mknod = false;
  bool operator==(const DeviceAccess&) const = default;
};

// One rule of the device list; later rules override earlier ones.
struct DeviceRule {
  bool allow = false;
  DeviceType type = DeviceType::all;
  std::optional<std::uint32_t> major;  // every number where absent
  std::optional<std::uint32_t> minor;
  DeviceAccess access;
  bool operator==(const DeviceRule&) const = default;
};

// Units: quota, burst, period and the realtime pair in microseconds of CPU time; shares relative,
// 2 to 262144; idle 0 or 1.
struct CpuLimits {
  std::optional<std::uint64_t> shares;
  std::optional<std::int64_t> quota;  // -1: no limit
  std::optional<std::uint64_t> burst;
  std::optional<std::uint64_t> period;
  std::optional<std::int64_t> realtime_runtime;
  std::optional<std::uint64_t> realtime_period;
  std::optional<std::int64_t> idle;
  std::string cpus;  // "0-2,7"; empty: not asked for
  std::string mems;
  bool operator==(const CpuLimits&) const = default;
};

// Units: bytes, -1 is no limit; swap counts memory and swap together, as cgroup v1 does;
// swappiness 0 to 100.
struct MemoryLimits {
  std::optional<std::int64_t> limit;
  std::optional<std::int64_t> reservation;
  std::optional<std::int64_t> swap;
  std::optional<std::int64_t> kernel;
  std::optional<std::int64_t> kernel_tcp;
  std::optional<std::uint64_t> swappiness;
  std::optional<bool> disable_oom_killer;
  std::optional<bool> use_hierarchy;
  // Refuse a limit below what is in use instead of letting the kernel reclaim or kill.
  std::optional<bool> check_before_update;
  bool operator==(const MemoryLimits&) const = default;
};

struct BlockWeight {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::optional<std::uint16_t> weight;
  std::optional<std::uint16_t> leaf_weight;
  bool operator==(const BlockWeight&) const = default;
};

// Units: bytes or operations a second, by the list it stands in; 0 lifts the limit.
struct BlockThrottle {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint64_t rate = 0;
  bool operator==(const BlockThrottle&) const = default;
};

// Units: weights 10 to 1000.
struct BlockLimits {
  std::optional<std::uint16_t> weight;
  std::optional<std::uint16_t> leaf_weight;
  std::vector<BlockWeight> weight_devices;
  std::vector<BlockThrottle> read_bytes;
  std::vector<BlockThrottle> write_bytes;
  std::vector<BlockThrottle> read_operations;
  std::vector<BlockThrottle> write_operations;
  bool operator==(const BlockLimits&) const = default;
};

// Units: page_size as "2MB" or "1GB", limit in bytes.
struct HugepageLimit {
  std::string page_size;
  std::uint64_t limit = 0;
  bool operator==(const HugepageLimit&) const = default;
};

struct InterfacePriority {
  std::string name;
  std::uint32_t priority = 0;
  bool operator==(const InterfacePriority&) const = default;
};

struct NetworkLimits {
  std::optional<std::uint32_t> class_id;
  std::vector<InterfacePriority> priorities;
  bool operator==(const NetworkLimits&) const = default;
};

struct RdmaLimit {
  std::string device;
  std::optional<std::uint32_t> handles;
  std::optional<std::uint32_t> objects;
  bool operator==(const RdmaLimit&) const = default;
};

// Thread: a value.
struct Resources {
  std::vector<DeviceRule> devices;
  CpuLimits cpu;
  MemoryLimits memory;
  std::optional<std::int64_t> pids_limit;  // 0 and less: no limit
  BlockLimits block;
  std::vector<HugepageLimit> hugepages;
  NetworkLimits network;
  std::vector<RdmaLimit> rdma;
  // File of cgroup v2 to its content, written as it stands.
  std::vector<std::pair<std::string, std::string>> unified;
  bool operator==(const Resources&) const = default;
};

// Reads `linux.resources`, also as `update` takes it.
//
// Spec:   OCI runtime specification 1.3, config-linux.md, "Control groups"
// Errors: invalid_argument (names the field)
Result<Resources> parse_resources(const json::Reader& reader);

}  // namespace proa::oci::runtime
