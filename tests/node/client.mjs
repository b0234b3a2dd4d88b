// A client on the TypeScript SDK: lists tools, calls one, and prints what it saw as one line of JSON.
// node client.mjs NODE_MODULES URL TOOL ARGUMENTS [TOKEN]
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, url, tool, text, token] = process.argv.slice(2);
const require = createRequire(join(modules, "from-here.js"));
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");

const headers = token ? { Authorization: `Bearer ${token}` } : {};
const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
const client = new Client({ name: "aura-tests", version: "1.0.0" });
await client.connect(transport);

const progress = [];
const { tools } = await client.listTools();
const result = await client.callTool({ name: tool, arguments: JSON.parse(text) }, undefined, {
  onprogress: (step) => progress.push(step),
});
const seen = {
  server: client.getServerVersion(),
  protocol: transport.protocolVersion,
  session: transport.sessionId !== undefined,
  tools: tools.map(({ name }) => name),
  result,
  progress,
};
await transport.terminateSession();
await client.close();
console.log(JSON.stringify(seen));
