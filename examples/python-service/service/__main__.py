"""Counts words: POST text to /count and get its most frequent words as JSON."""
import collections
import os
import re

import flask
import waitress

app = flask.Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1 << 20


@app.get("/healthz")
def healthz():
    return "ok\n"


@app.post("/count")
def count():
    text = flask.request.get_data(as_text=True)
    most = min(int(flask.request.args.get("most", 10)), 1000)
    words = collections.Counter(re.findall(r"\w+", text.lower()))
    return flask.jsonify(total=words.total(), most=words.most_common(most))


if __name__ == "__main__":
    waitress.serve(app, listen=f"*:{os.environ.get('PORT', '8000')}")
