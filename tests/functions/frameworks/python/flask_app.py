"""A Flask application behind apig-wsgi."""

import secrets

from apig_wsgi import make_lambda_handler
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/hello/<name>")
def hello(name: str):
    return jsonify(greeting=f"Hello, {name}", language=request.args.get("lang", "en"))


@app.post("/hello")
def post():
    answer = jsonify(id=secrets.token_hex(8), got=request.get_json())
    answer.set_cookie("session", "s1")
    return answer, 201


handler = make_lambda_handler(app)
