#!/usr/bin/env python3
"""A front before a registry that has the faults and the habits of those on the internet.

  registry_front.py BACKEND LOG [--token USER:PASSWORD] [--cut BYTES] [--refuse COUNT]
                    [--damage BYTE] [--without-blobs]

Prints its port. LOG gets a line per request: method, path, and the Range header where there is one.
  --token          wants a bearer token, which its own /token gives for these credentials
  --cut            breaks each blob's connection after BYTES, the first time
  --refuse         answers the first COUNT requests for blobs with 503
  --damage         sends one wrong byte, at this place of each blob that is so long
  --without-blobs  has the manifests only, as a mirror that lags behind
"""
import argparse
import base64
import http.client
import http.server
import json
import os
import threading

TOKEN = "a-token"


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
        self.reply(200, [("Content-Type", "application/json")],
                   json.dumps({"token": TOKEN, "expires_in": 60}).encode())

    def is_let_in(self):
        if not options.token or self.headers.get("Authorization") == f"Bearer {TOKEN}":
            return True
        realm = f'Bearer realm="http://{self.headers["Host"]}/token",service="front"'
        self.reply(401, [("WWW-Authenticate", realm)], b"{}")
        return False

    def pass_on(self):
        with lock:
            range_asked = self.headers.get("Range", "")
            log.write(f"{self.command} {self.path} {range_asked}".rstrip() + "\n")
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
        backend = http.client.HTTPConnection(options.backend)
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name: value for name, value in self.headers.items()
                   if name.lower() not in ("host", "authorization", "connection")}
        backend.request(self.command, self.path, self.rfile.read(length), headers)
        answer = backend.getresponse()
        body = answer.read()
        kept = [(name, value) for name, value in answer.getheaders()
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
parser.add_argument("--token")
parser.add_argument("--cut", type=int)
parser.add_argument("--refuse", type=int, default=0)
parser.add_argument("--damage", type=int)
parser.add_argument("--without-blobs", action="store_true")
options = parser.parse_args()
lock = threading.Lock()
served = set()
log = open(options.log, "a", encoding="utf-8")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
# A client that is killed breaks its connection: nothing to tell.
server.handle_error = lambda *_: None
# In one write, whatever Python's buffering is: who reads it reads once.
os.write(1, f"{server.server_address[1]}\n".encode())
server.serve_forever()
