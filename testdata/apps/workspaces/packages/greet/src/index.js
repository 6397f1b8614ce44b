const { version } = require("ms/package.json");

module.exports = (who) => `hello ${who} with ms ${version}`;
