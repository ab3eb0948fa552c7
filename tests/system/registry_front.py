#!/usr/bin/python3
"""A front before a registry that has the faults and the habits of those on the internet.

  registry_front.py BACKEND LOG [--tls FILE] [--token USER:PASSWORD] [--token-lasts COUNT]
                    [--single-scope] [--uploads-at ORIGIN] [--blobs-at ORIGIN] [--cut BYTES]
                    [--endless] [--refuse COUNT] [--busy SECONDS] [--damage BYTE] [--without-blobs]

Prints its port. LOG gets a line per request: method, path, the Range header where there is one, and
"authorized" where there is an Authorization header. Uploads go on at a relative Location.
  --tls            speaks TLS with the certificate and key of FILE
  --token          wants a bearer token, which its own /token gives for these credentials
  --token-lasts    a token is good for so many requests
  --single-scope   gives no token for more than one scope
  --uploads-at     has uploads go on at another origin ("http://host:port")
  --blobs-at       redirects for blobs to another origin
  --cut            breaks each blob's connection after BYTES, the first time
  --endless        sends each blob in chunks and breaks the connection before the empty, last one
  --refuse         answers the first COUNT requests for blobs with 503
  --busy           answers requests for blobs with 429 until SECONDS after the first, and says so
  --damage         sends one wrong byte, at this place of each blob that is so long
  --without-blobs  has the manifests only, as a mirror that lags behind
"""
import argparse
import base64
import http.client
import http.server
import json
import os
import ssl
import threading
import time
import urllib.parse


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def reply(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def give_token(self):
        expected = "Basic " + base64.b64encode(options.token.encode()).decode()
        if self.headers.get("Authorization") != expected:
            self.reply(401, [], b"{}")
            return
        if options.single_scope and self.path.count("scope=") > 1:
            self.reply(403, [], b"{}")
            return
        with lock:
            token = f"token-{len(uses)}"
            uses[token] = 0
        self.reply(200, [("Content-Type", "application/json")],
                   json.dumps({"token": token, "expires_in": 60}).encode())

    def is_let_in(self):
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        with lock:
            if not options.token:
                return True
            if uses.get(token, options.token_lasts) < options.token_lasts:
                uses[token] += 1
                return True
        scheme = "https" if options.tls else "http"
        realm = f'Bearer realm="{scheme}://{self.headers["Host"]}/token",service="front"'
        self.reply(401, [("WWW-Authenticate", realm)], b"{}")
        return False

    def is_busy(self):
        with lock:
            busy_until.append(time.monotonic() + options.busy)
            return time.monotonic() < busy_until[0]

    # Where an upload goes on: at the other origin, or relative to what was asked.
    def location(self, backend):
        place = urllib.parse.urlsplit(backend)
        path = place.path + (f"?{place.query}" if place.query else "")
        if options.uploads_at:
            return options.uploads_at + path
        return path.removeprefix(self.path.split("?")[0].rpartition("/")[0] + "/")

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        words = [self.command, self.path, self.headers.get("Range", ""),
                 "authorized" if "Authorization" in self.headers else ""]
        with lock:
            log.write(" ".join(filter(None, words)) + "\n")
            log.flush()
        if self.path.startswith("/token"):
            self.give_token()
            return
        if not self.is_let_in():
            return
        is_blob = self.command == "GET" and "/blobs/" in self.path
        with lock:
            refused = is_blob and options.refuse > 0
            options.refuse -= refused
        if refused or (is_blob and options.without_blobs):
            self.reply(503 if refused else 404, [], b"{}")
            return
        if is_blob and options.busy and self.is_busy():
            self.reply(429, [("Retry-After", str(options.busy))], b"{}")
            return
        if is_blob and options.blobs_at:
            self.reply(307, [("Location", options.blobs_at + self.path)], b"")
            return
        backend = http.client.HTTPConnection(options.backend)
        headers = {name: value for name, value in self.headers.items()
                   if name.lower() not in ("host", "authorization", "connection")}
        backend.request(self.command, self.path, body, headers)
        answer = backend.getresponse()
        body = answer.read()
        kept = [(name, self.location(value) if name.lower() == "location" else value)
                for name, value in answer.getheaders()
                if name.lower() not in ("content-length", "connection", "date", "server")]
        if self.command == "HEAD":
            self.send_response(answer.status)
            for name, value in [*kept, ("Content-Length", answer.getheader("Content-Length", "0"))]:
                self.send_header(name, value)
            self.end_headers()
        elif is_blob:
            self.give_blob(answer.status, kept, body)
        else:
            self.reply(answer.status, kept, body)

    def give_blob(self, status, headers, body):
        if options.damage is not None and len(body) > options.damage:
            body = bytearray(body)
            body[options.damage] ^= 1
        if options.endless and status == 200:
            self.send_response(status)
            for name, value in [*headers, ("Transfer-Encoding", "chunked")]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body))
            self.close_connection = True
            return
        with lock:
            first = self.path not in served
            served.add(self.path)
        if not (first and options.cut and len(body) > options.cut):
            self.reply(status, headers, body)
            return
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:options.cut])
        self.wfile.flush()
        self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on


parser = argparse.ArgumentParser()
parser.add_argument("backend")
parser.add_argument("log")
parser.add_argument("--tls")
parser.add_argument("--token")
parser.add_argument("--token-lasts", type=int, default=1000000)
parser.add_argument("--single-scope", action="store_true")
parser.add_argument("--uploads-at")
parser.add_argument("--blobs-at")
parser.add_argument("--cut", type=int)
parser.add_argument("--endless", action="store_true")
parser.add_argument("--refuse", type=int, default=0)
parser.add_argument("--busy", type=int, default=0)
parser.add_argument("--damage", type=int)
parser.add_argument("--without-blobs", action="store_true")
options = parser.parse_args()
lock = threading.Lock()
served = set()
uses = {}  # of each token
busy_until = []
log = open(options.log, "a", encoding="utf-8")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
if options.tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.tls)
    server.socket = context.wrap_socket(server.socket, server_side=True)
# A client that is killed breaks its connection: nothing to tell.
server.handle_error = lambda *_: None
# In one write, whatever Python's buffering is: who reads it reads once.
os.write(1, f"{server.server_address[1]}\n".encode())
server.serve_forever()
