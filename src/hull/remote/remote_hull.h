// A hull in another process: what the engine holds of a workload whose shim carries it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hull/hull.h"
#include "hull/remote/shim_link.h"

namespace proa::hull {

// Thread: the link's loop. Owner: the engine; the link outlives it.
class RemoteHull : public Hull {
 public:
  explicit RemoteHull(ShimLink& link) : link_(link) {}

  Capabilities capabilities() const override;
  // The shim makes its hull with the first request that needs it.
  void create(Done<> done) override { done({}); }
  void start(Done<Streams> done) override;
  void exec(const std::string& exec, const wire::Process& process, Done<Streams> done) override;
  void signal(const std::string& exec, int number, Done<> done) override;
  void resize(const std::string& exec, wire::WindowSize size, Done<> done) override;
  void pause(Done<> done) override;
  void resume(Done<> done) override;
  void processes(Done<std::vector<wire::ProcessRow>> done) override;
  void stats(Done<wire::Stats> done) override;
  void update(const std::string& resources, Done<> done) override;
  void join_network(const wire::Endpoint& endpoint, Done<> done) override;
  void leave_network(const std::string& network, Done<> done) override;
  void stat_path(const std::string& path, Done<wire::PathStat> done) override;
  void copy_out(const std::string& path, Done<Fd> done) override;
  void copy_in(const wire::Path& directory, Fd tar, Done<> done) override;
  void changes(Done<std::vector<wire::Change>> done) override;
  void export_tree(Done<Fd> done) override;
  void remove(Done<> done) override;

 private:
  void stream(wire::MessageType type, const std::string& path, Done<Fd> done);

  ShimLink& link_;
};

}  // namespace proa::hull
