// A package of the workspace, one of the registry, and an addon that comes compiled, through pnpm's farm of links.
const express = require("express");
const greet = require("@acme/greet");
const sharp = require("sharp");

const app = express();
app.get("/", (request, response) => response.send(greet("docker")));
app.get("/picture", async (request, response) => {
  const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: "#336699" } });
  const { info } = await picture.png().toBuffer({ resolveWithObject: true });
  response.send(`${info.format} ${info.width}x${info.height}`);
});
app.listen(8080, "127.0.0.1", () => console.log("listening"));
