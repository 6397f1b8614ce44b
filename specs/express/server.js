const express = require("express");
const app = express();
app.use(express.json());
app.get("/", (request, response) => response.send(`hello from node ${process.version}`));
app.post("/sum", (request, response) => response.json({ sum: request.body.numbers.reduce((a, b) => a + b, 0) }));
const port = process.env.PORT ?? 8080;
const server = app.listen(port, "127.0.0.1", () => console.log(`listening at ${server.address().port}`));
process.on("SIGTERM", () => server.close());
