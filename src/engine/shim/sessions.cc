#include "engine/shim/sessions.h"

#include "kernel/socket/unix_stream.h"
#include "wire/codec.h"

namespace proa::engine {
namespace {

using wire::MessageType;

// Where one call's answer goes; a session that is over drops it.
template <typename Session>
class Answer {
 public:
  Answer(std::shared_ptr<Session> session, std::uint32_t call)
      : session_(std::move(session)), call_(call) {}

  void failed(const Error& error) const { send(MessageType::failed, wire::to_message(error)); }
  template <typename Body>
  void send(MessageType type, const Body& body, std::vector<Fd> descriptors = {}) const {
    if (!session_->link) return;
    session_->link->send({type, 0, call_, wire::encode(body)}, std::move(descriptors));
  }
  hull::Done<> done() const {
    return [answer = *this](const Result<void>& outcome) {
      outcome.ok() ? answer.send(MessageType::done, wire::Empty{}) : answer.failed(outcome.error());
    };
  }
  hull::Done<Fd> stream() const {
    return [answer = *this](Result<Fd> stream) {
      if (!stream.ok()) return answer.failed(stream.error());
      std::vector<Fd> descriptors;
      descriptors.push_back(stream.take());
      answer.send(MessageType::done, wire::Empty{}, std::move(descriptors));
    };
  }

 private:
  std::shared_ptr<Session> session_;
  std::uint32_t call_;
};

// Decodes a request and acts on it, or answers why not.
template <typename Message, typename Reply, typename Act>
void with(const wire::Frame& frame, const Reply& answer, Act act) {
  Result<Message> message = wire::decode<Message>(frame.body);
  if (!message.ok()) return answer.failed(message.error());
  act(message.take());
}

std::optional<Fd> first_of(std::vector<Fd>& descriptors) {
  if (descriptors.empty()) return std::nullopt;
  return std::move(descriptors.front());
}

}  // namespace

Sessions::~Sessions() {
  if (listener_.valid()) loop_.forget(listener_);
}

Result<void> Sessions::listen(Fd listener) {
  listener_ = std::move(listener);
  return loop_.watch(listener_, {.readable = true}, [this](io::Readiness) {
    Result<Fd> connection = socket::accept(listener_);
    if (!connection.ok() || !connection.value().valid()) return;
    discard(add(connection.take()), "the peer sees its connection closed");
  });
}

Result<void> Sessions::add(Fd connection) {
  const auto session = std::make_shared<Session>();
  session->link = TRY(io::FrameLink::open(
      loop_, std::move(connection),
      [this, weak = std::weak_ptr(session)](wire::Frame frame, std::vector<Fd> descriptors) {
        if (const auto alive = weak.lock())
          on_frame(alive, std::move(frame), std::move(descriptors));
      },
      [this, weak = std::weak_ptr(session)](const Result<void>&) {
        const auto ended = weak.lock();
        if (!ended) return;
        ended->link.reset();
        sessions_.remove(ended);
        // A shim that nobody ever asked to run anything has no reason to stay.
        if (sessions_.empty() && supervisor_->idle()) {
          supervisor_->remove([](const Result<void>&) {});
        }
      }));
  sessions_.push_back(session);
  session->link->send({MessageType::hello, 0, 0, wire::encode(wire::Hello{})});
  return {};
}

void Sessions::tell_record(const wire::Record& record) {
  for (const auto& session : sessions_) {
    session->link->send({MessageType::record, 0, 0, wire::encode(record)});
  }
}

void Sessions::tell_exec_end(const std::string& exec, const wire::Ending& ending) {
  for (const auto& session : sessions_) {
    session->link->send(
        {MessageType::exec_ended, 0, 0, wire::encode(wire::ExecEnded{exec, ending})});
  }
}

void Sessions::on_frame(const std::shared_ptr<Session>& session, wire::Frame frame,
                        std::vector<Fd> descriptors) {
  const Answer<Session> answer(session, frame.call);
  Supervisor& supervisor = *supervisor_;
  switch (frame.type) {
    case MessageType::hello:
      return;
    case MessageType::start:
      return supervisor.start(answer.done());
    case MessageType::stop:
      return with<wire::Stop>(frame, answer, [&](const wire::Stop& request) {
        supervisor.stop(request, answer.done());
      });
    case MessageType::restart:
      return with<wire::Stop>(frame, answer, [&](const wire::Stop& request) {
        supervisor.restart(request, answer.done());
      });
    case MessageType::signal:
      return with<wire::Signal>(frame, answer, [&](const wire::Signal& request) {
        supervisor.signal(request, answer.done());
      });
    case MessageType::pause:
      return supervisor.pause(answer.done());
    case MessageType::resume:
      return supervisor.resume(answer.done());
    case MessageType::update:
      return with<wire::Update>(frame, answer, [&](const wire::Update& request) {
        supervisor.update(request, answer.done());
      });
    case MessageType::attach:
      return with<wire::Attachment>(frame, answer, [&](wire::Attachment wanted) {
        std::optional<Fd> connection = first_of(descriptors);
        if (!connection) return answer.failed(fail(ErrorKind::corrupt, "attach without a client"));
        supervisor.attach(std::move(*connection), std::move(wanted), answer.done());
      });
    case MessageType::exec:
      return with<wire::Exec>(frame, answer, [&](wire::Exec request) {
        supervisor.exec(std::move(request), std::move(descriptors), answer.done());
      });
    case MessageType::remove:
      return supervisor.remove(answer.done());
    case MessageType::snapshot:
      return answer.send(MessageType::snapshot_answer, supervisor.snapshot());
    case MessageType::stat_path:
    case MessageType::copy_out:
    case MessageType::copy_in:
    case MessageType::changes:
    case MessageType::export_tree:
      return on_files(session, frame, std::move(descriptors));
    default:
      return on_query(session, frame);
  }
}

// Files are reached in a workload that does not run, too: its root is made for them.
void Sessions::on_files(const std::shared_ptr<Session>& session, const wire::Frame& frame,
                        std::vector<Fd> descriptors) {
  const Answer<Session> answer(session, frame.call);
  Result<wire::Path> path = wire::decode<wire::Path>(frame.body);
  if (!path.ok()) return answer.failed(path.error());
  // The tree is being taken down; another shim is asked.
  if (supervisor_->leaving()) {
    return answer.failed(fail(ErrorKind::unavailable, "the shim is about to go"));
  }
  supervisor_->ensure_created([this, answer, type = frame.type, path = path.take(),
                               tar = first_of(descriptors)](const Result<void>& created) mutable {
    if (!created.ok()) return answer.failed(created.error());
    hull::Hull& hull = supervisor_->hull();
    if (type == MessageType::stat_path) {
      hull.stat_path(path.path, [answer](Result<wire::PathStat> stat) {
        stat.ok() ? answer.send(MessageType::path_answer, stat.value())
                  : answer.failed(stat.error());
      });
    } else if (type == MessageType::copy_out) {
      hull.copy_out(path.path, answer.stream());
    } else if (type == MessageType::export_tree) {
      hull.export_tree(answer.stream());
    } else if (type == MessageType::changes) {
      hull.changes([answer](Result<std::vector<wire::Change>> changes) {
        if (!changes.ok()) return answer.failed(changes.error());
        answer.send(MessageType::change_list, wire::ChangeList{changes.take()});
      });
    } else if (tar) {
      hull.copy_in(path, std::move(*tar), answer.done());
    } else {
      answer.failed(fail(ErrorKind::corrupt, "copy_in without a stream"));
    }
  });
}

void Sessions::on_query(const std::shared_ptr<Session>& session, const wire::Frame& frame) {
  const Answer<Session> answer(session, frame.call);
  hull::Hull& hull = supervisor_->hull();
  if (frame.type == MessageType::resize) {
    with<wire::Resize>(frame, answer, [&](const wire::Resize& request) {
      hull.resize(request.exec, request.size, answer.done());
    });
  } else if (frame.type == MessageType::processes) {
    hull.processes([answer](Result<std::vector<wire::ProcessRow>> rows) {
      if (!rows.ok()) return answer.failed(rows.error());
      answer.send(MessageType::process_rows, wire::ProcessRows{rows.take()});
    });
  } else if (frame.type == MessageType::stats) {
    hull.stats([answer](Result<wire::Stats> stats) {
      stats.ok() ? answer.send(MessageType::stats_answer, stats.value())
                 : answer.failed(stats.error());
    });
  } else if (frame.type == MessageType::join_network) {
    with<wire::Endpoint>(frame, answer, [&](const wire::Endpoint& endpoint) {
      hull.join_network(endpoint, answer.done());
    });
  } else if (frame.type == MessageType::leave_network) {
    with<wire::NetworkName>(frame, answer, [&](const wire::NetworkName& name) {
      hull.leave_network(name.network, answer.done());
    });
  } else {
    answer.failed(fail(ErrorKind::unsupported, "message type ",
                       static_cast<std::uint16_t>(frame.type), " is not known here"));
  }
}

}  // namespace proa::engine
