// A package of the workspace, and two versions of one package: the root's and the workspace's.
const http = require("node:http");
const greet = require("@acme/greet");
const ms = require("ms");

http
  .createServer((request, response) => response.end(`${greet("docker")}, ${ms("2 days")} ms`))
  .listen(8080, "127.0.0.1", () => console.log("listening"));
