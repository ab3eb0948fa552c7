// A Compose project: services and what they share.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compose/model/service.h"

namespace proa::compose {

struct AddressPool {
  std::string subnet, gateway, ip_range;
  TextMap aux_addresses;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("subnet", self.subnet);
    visit("gateway", self.gateway);
    visit("ip_range", self.ip_range);
    visit("aux_addresses", self.aux_addresses);
  }
};

struct AddressManagement {
  std::string driver;
  std::vector<AddressPool> config;
  TextMap options;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("driver", self.driver);
    visit("config", self.config);
    visit("options", self.options);
  }
};

struct Network {
  std::string name, driver;
  TextMap driver_opts, labels;
  std::optional<AddressManagement> ipam;
  bool external = false, internal = false, attachable = false, enable_ipv6 = false;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("name", self.name);
    visit("driver", self.driver);
    visit("driver_opts", self.driver_opts);
    visit("ipam", self.ipam);
    visit("external", self.external);
    visit("internal", self.internal);
    visit("attachable", self.attachable);
    visit("enable_ipv6", self.enable_ipv6);
    visit("labels", self.labels);
  }
};

struct Volume {
  std::string name, driver;
  TextMap driver_opts, labels;
  bool external = false;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("name", self.name);
    visit("driver", self.driver);
    visit("driver_opts", self.driver_opts);
    visit("external", self.external);
    visit("labels", self.labels);
  }
};

// A config or a secret: bytes from one of three places.
struct Content {
  std::string name, file, environment;
  std::optional<std::string> content;
  TextMap labels;
  bool external = false;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("name", self.name);
    visit("file", self.file);
    visit("environment", self.environment);
    visit("content", self.content);
    visit("external", self.external);
    visit("labels", self.labels);
  }
};

struct Project {
  std::string name;
  std::map<std::string, Service> services;
  std::map<std::string, Network> networks;
  std::map<std::string, Volume> volumes;
  std::map<std::string, Content> configs, secrets;
  // Names of all services that the files know, of inactive profiles too; not a key.
  std::set<std::string, std::less<>> declared;
  std::string directory;           // absolute; relative paths count from here; not a key
  std::vector<std::string> files;  // absolute; not a key
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("name", self.name);
    visit("services", self.services);
    visit("networks", self.networks);
    visit("volumes", self.volumes);
    visit("configs", self.configs);
    visit("secrets", self.secrets);
  }
};

}  // namespace proa::compose
