#include "hull/refused/refused_hull.h"

namespace proa::hull {
namespace {

// Thread: the loop's. Owner: the shim.
class RefusedHull : public Hull {
 public:
  explicit RefusedHull(Error why) : why_(std::move(why)) {}

  Capabilities capabilities() const override { return {}; }
  void create(Done<> done) override { done(why_); }
  void start(Done<Streams> done) override { done(why_); }
  void exec(const std::string& /*exec*/, const wire::Process& /*process*/,
            Done<Streams> done) override {
    done(why_);
  }
  void signal(const std::string& /*exec*/, int /*number*/, Done<> done) override { done(why_); }
  void resize(const std::string& /*exec*/, wire::WindowSize /*size*/, Done<> done) override {
    done(why_);
  }
  void pause(Done<> done) override { done(why_); }
  void resume(Done<> done) override { done(why_); }
  void processes(Done<std::vector<wire::ProcessRow>> done) override { done(why_); }
  void stats(Done<wire::Stats> done) override { done(why_); }
  void update(const std::string& /*resources*/, Done<> done) override { done(why_); }
  void join_network(const wire::Endpoint& /*endpoint*/, Done<> done) override { done(why_); }
  void leave_network(const std::string& /*network*/, Done<> done) override { done(why_); }
  void stat_path(const std::string& /*path*/, Done<wire::PathStat> done) override { done(why_); }
  void copy_out(const std::string& /*path*/, Done<Fd> done) override { done(why_); }
  void copy_in(const wire::Path& /*directory*/, Fd /*tar*/, Done<> done) override { done(why_); }
  void changes(Done<std::vector<wire::Change>> done) override { done(why_); }
  void export_tree(Done<Fd> done) override { done(why_); }
  void remove(Done<> done) override { done({}); }

 private:
  Error why_;
};

}  // namespace

std::unique_ptr<Hull> make_refused_hull(Error why) {
  return std::make_unique<RefusedHull>(std::move(why));
}

}  // namespace proa::hull
