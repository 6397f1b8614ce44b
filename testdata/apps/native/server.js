// A picture is made smaller, and a password hashed and verified, by addons that come compiled.
const http = require("node:http");
const sharp = require("sharp");
const { hash, verify } = require("@node-rs/argon2");

const answers = {
  "/picture": async () => {
    const picture = sharp({ create: { width: 640, height: 480, channels: 3, background: "#336699" } });
    const { info } = await picture.resize(64).webp().toBuffer({ resolveWithObject: true });
    return `${info.format} ${info.width}x${info.height}`;
  },
  "/password": async () => {
    const hashed = await hash("correct horse");
    return `${hashed.split("$")[1]} ${await verify(hashed, "correct horse")} ${await verify(hashed, "wrong horse")}`;
  },
};

http
  .createServer(async (request, response) => {
    try {
      response.end(await answers[request.url]());
    } catch (error) {
      response.writeHead(500).end(String(error.stack));
    }
  })
  .listen(8080, "127.0.0.1", () => console.log("listening"));
