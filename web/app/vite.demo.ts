import { execFile } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import type { Connect, Plugin } from "vite";

const run = promisify(execFile);

const roles = [
  { id: "operator", role: "OPERATOR", title: "Operator" },
  { id: "admin", role: "ADMIN", title: "Admin" },
  { id: "storefront", role: "STOREFRONT", title: "Storefront" },
  { id: "supplier:new-orleans-cajun-delights", role: "SUPPLIER", title: "New Orleans Cajun Delights" },
];

/**
 * Stands in for the gateway's demo doors where REDLINE_TOKEN_COMMAND says how to make a token, such as
 * `redline token --data-dir DIR`; without it they are the gateway's own.
 */
export function demoDoors(): Plugin {
  const command = process.env.REDLINE_TOKEN_COMMAND;
  const use = (server: { middlewares: Connect.Server }) => {
    if (command) server.middlewares.use((req, res, next) => void answer(command, req, res).then((done) => done || next(), next));
  };
  return { name: "redline-demo-doors", configureServer: use, configurePreviewServer: use };
}

async function answer(command: string, req: IncomingMessage, res: ServerResponse): Promise<boolean> {
  if (req.url === "/dashboard.json") {
    json(res, { version: "dev", explorer: true, demo: roles });
    return true;
  }
  if (req.url !== "/dashboard/token") return false;
  let body = "";
  for await (const chunk of req) body += chunk;
  const { id } = JSON.parse(body) as { id: string };
  const [role = "", supplier] = id.split(":");
  const [file = "", ...args] = command.split(" ");
  const ttl = Number(process.env.REDLINE_TOKEN_TTL ?? 43200);
  args.push("--role", role, "--subject", id, "--ttl", `${ttl}s`, ...(supplier ? ["--supplier", supplier] : []));
  const { stdout } = await run(file, args);
  json(res, { access_token: stdout.trim(), token_type: "Bearer", expires_in: ttl });
  return true;
}

function json(res: ServerResponse, value: unknown): void {
  res.setHeader("Content-Type", "application/json");
  res.end(JSON.stringify(value));
}
