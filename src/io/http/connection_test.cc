#include "io/http/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "io/http/server.h"
#include "kernel/file/file.h"
#include "tests/fixtures/require.h"

namespace proa::http {
namespace {

struct Pair {
  Fd server;
  Fd client;
};

Pair make_pair() {
  std::array<int, 2> ends;
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

void send_text(const Fd& fd, std::string_view text) {
  ASSERT_OK(file::write_all(fd, bytes_of(text)));
}

Headers no_headers() { return {}; }

TEST(HttpConnection, requests_on_one_connection_are_answered_in_turn) {
  auto [server, client] = make_pair();
  send_text(client,
            "POST /a%20b?x=1%262&y=a+b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
            "GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  Connection connection(std::move(server), {});
  auto first = connection.next();
  ASSERT_OK(first);
  EXPECT_EQ(first.value()->path, "/a b");
  EXPECT_EQ(first.value()->query.find("x"), "1&2");
  EXPECT_EQ(first.value()->query.find("y"), "a b");
  EXPECT_EQ(connection.read_text().value(), "hello");
  ASSERT_OK(connection.respond(200, no_headers(), "one"));
  auto second = connection.next();
  ASSERT_OK(second);
  EXPECT_EQ(second.value()->path, "/second");
  ASSERT_OK(connection.respond(404, no_headers(), "two"));
  EXPECT_EQ(connection.next().value(), std::nullopt);
}

TEST(HttpConnection, body_nobody_read_is_skipped) {
  auto [server, client] = make_pair();
  send_text(client,
            "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            "GET /b HTTP/1.1\r\n\r\n");
  Connection connection(std::move(server), {});
  ASSERT_OK(connection.next());
  ASSERT_OK(connection.respond(204, no_headers(), ""));
  auto second = connection.next();
  ASSERT_OK(second);
  EXPECT_EQ(second.value()->path, "/b");
}

TEST(HttpConnection, chunked_body_arrives_in_pieces) {
  auto [server, client] = make_pair();
  std::thread sender([&] {
    send_text(client, "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab");
    send_text(client, "cd\r\n2;x=y\r\nef\r\n0\r\n");
    send_text(client, "\r\n");
  });
  Connection connection(std::move(server), {});
  ASSERT_OK(connection.next());
  EXPECT_EQ(connection.read_text().value(), "abcdef");
  sender.join();
}

TEST(HttpConnection, head_and_text_beyond_the_limits_are_refused) {
  {
    auto [server, client] = make_pair();
    send_text(client, cat("GET / HTTP/1.1\r\nX: ", std::string(3000, 'x'), "\r\n\r\n"));
    Connection connection(std::move(server), {.head_bytes = 1000});
    const auto head = connection.next();
    ASSERT_FALSE(head.ok());
    EXPECT_EQ(head.error().kind(), ErrorKind::exhausted);
  }
  auto [server, client] = make_pair();
  send_text(client, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789");
  Connection connection(std::move(server), {.text_bytes = 9});
  ASSERT_OK(connection.next());
  const auto text = connection.read_text();
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().kind(), ErrorKind::exhausted);
}

TEST(HttpConnection, hijack_gives_the_socket_and_what_was_read_past_the_request) {
  auto [server, client] = make_pair();
  send_text(client,
            "POST /attach HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly input");
  Connection connection(std::move(server), {});
  ASSERT_OK(connection.next());
  Headers headers;
  headers.add("Content-Type", "application/vnd.docker.raw-stream");
  auto hijacked = connection.hijack(headers);
  ASSERT_OK(hijacked);
  EXPECT_TRUE(connection.hijacked());
  EXPECT_EQ(hijacked.value().already_read, "early input");
  hijacked.value().socket.reset();
  const std::string answer = file::read_all(client).value();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 UPGRADED\r\n")) << answer;
  EXPECT_NE(answer.find("Connection: Upgrade\r\nUpgrade: tcp\r\n"), std::string::npos) << answer;
}

TEST(HttpConnection, chunks_to_an_old_client_end_with_the_connection) {
  auto [server, client] = make_pair();
  send_text(client, "GET / HTTP/1.0\r\n\r\n");
  {
    Connection connection(std::move(server), {});
    ASSERT_OK(connection.next());
    ASSERT_OK(connection.begin_chunks(200, no_headers()));
    ASSERT_OK(connection.write_chunk(bytes_of("abc")));
    ASSERT_OK(connection.end_chunks());
    EXPECT_EQ(connection.next().value(), std::nullopt);
  }
  EXPECT_EQ(file::read_all(client).value(), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc");
}

TEST(HttpConnection, continue_is_sent_when_the_body_is_asked_for) {
  auto [server, client] = make_pair();
  send_text(client, "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  Connection connection(std::move(server), {});
  ASSERT_OK(connection.next());
  std::thread sender([&] {
    std::array<char, 25> answer;
    EXPECT_EQ(::recv(client.get(), answer.data(), answer.size(), MSG_WAITALL), 25);
    EXPECT_EQ(std::string_view(answer.data(), 25), "HTTP/1.1 100 Continue\r\n\r\n");
    send_text(client, "ok");
  });
  EXPECT_EQ(connection.read_text().value(), "ok");
  sender.join();
}

TEST(HttpConnection, malformed_requests_are_refused) {
  for (const char* text : {"nonsense\r\n\r\n", "GET /%zz HTTP/1.1\r\n\r\n",
                           "GET /?a=%00 HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"}) {
    auto [server, client] = make_pair();
    send_text(client, text);
    Connection connection(std::move(server), {});
    const auto head = connection.next();
    ASSERT_FALSE(head.ok()) << text;
    EXPECT_EQ(head.error().kind(), ErrorKind::invalid_argument) << text;
  }
}

class HttpServerTest : public ::testing::Test {
 protected:
  // Listens on an abstract unix address that the kernel chooses.
  void SetUp() override {
    listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr address = {AF_UNIX, {}};
    ASSERT_EQ(::bind(listener_.get(), &address, sizeof(sa_family_t)), 0);
    ASSERT_EQ(::listen(listener_.get(), 100), 0);
  }
  Fd connect() {
    Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage address;
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    return client;
  }

  Fd listener_;
};

TEST_F(HttpServerTest, many_clients_are_served_and_stop_cuts_the_idle_ones) {
  Server server(
      {.connections = 4},
      [](Connection& connection, const RequestHead& head) {
        discard(connection.respond(200, no_headers(), head.path), "the client may go");
      },
      [](Connection& connection, const Error& error) {
        discard(connection.respond(400, no_headers(), error.message()), "it may go");
      });
  std::thread serving([&] { EXPECT_OK(server.serve({listener_})); });
  for (int index = 0; index < 20; ++index) {
    const Fd client = connect();
    send_text(client, cat("GET /", index, " HTTP/1.1\r\nConnection: close\r\n\r\n"));
    EXPECT_TRUE(file::read_all(client).value().ends_with(cat("\r\n\r\n/", index)));
  }
  const Fd broken = connect();
  send_text(broken, "nonsense\r\n\r\n");
  EXPECT_TRUE(file::read_all(broken).value().starts_with("HTTP/1.1 400 Bad Request\r\n"));
  const Fd idle = connect();
  send_text(idle, "GET /x HTTP/1.1\r\n\r\n");
  std::array<char, 4> start;
  ASSERT_EQ(::recv(idle.get(), start.data(), start.size(), MSG_WAITALL), 4);
  server.stop();
  serving.join();
  EXPECT_OK(file::read_all(idle));
}

TEST_F(HttpServerTest, hijacked_sockets_outlive_the_server) {
  Fd taken;
  Fd client;
  {
    Server server(
        {},
        [&](Connection& connection, const RequestHead&) {
          taken = connection.hijack(no_headers()).take().socket;
        },
        [](Connection&, const Error&) {});
    std::thread serving([&] { EXPECT_OK(server.serve({listener_})); });
    client = connect();
    send_text(client, "POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    std::string answer(64, '\0');
    ASSERT_GT(::recv(client.get(), answer.data(), answer.size(), 0), 0);
    server.stop();
    serving.join();
  }
  ASSERT_OK(file::write_all(taken, bytes_of("still here")));
  taken.reset();
  EXPECT_TRUE(file::read_all(client).value().ends_with("still here"));
}

}  // namespace
}  // namespace proa::http
