import os

from flask import Flask, jsonify, render_template_string, request, session

app = Flask(__name__)
app.secret_key = "only for the test"


@app.get("/")
def index():
    session["seen"] = session.get("seen", 0) + 1
    return render_template_string("<p>{{ seen }} times</p>", seen=session["seen"])


@app.post("/sum")
def total():
    return jsonify(total=sum(request.get_json()["numbers"]))


@app.post("/upload")
def upload():
    return jsonify(size=len(request.files["file"].read()), user=os.getuid())


@app.get("/fails")
def fails():
    raise ValueError("as it should")
