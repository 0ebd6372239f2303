// Writes src/gql/graphql.ts: the types of each operation in a .graphql file of src, and of what they use of the
// contract, with the operations as documents. The parts of GraphQL Code Generator do it; its command, which looks
// for configurations of every kind, would be half of all that is installed here.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { codegen } from "@graphql-codegen/core";
import * as documentNodes from "@graphql-codegen/typed-document-node";
import * as operations from "@graphql-codegen/typescript-operations";
import { parse, Source } from "graphql";

const app = resolve(import.meta.dirname, "..");
const read = (path) => parse(new Source(readFileSync(resolve(app, path), "utf8"), path));
const documents = readdirSync(resolve(app, "src"), { recursive: true })
  .filter((name) => name.endsWith(".graphql"))
  .sort()
  .map((name) => ({ location: `src/${name}`, document: read(`src/${name}`) }));

const filename = "src/gql/graphql.ts";
const text = await codegen({
  filename,
  schema: read("../../schema.graphqls"),
  documents,
  config: {
    useTypeImports: true,
    strictScalars: true,
    scalars: { DateTime: "string", Decimal: "string", URL: "string", Long: "string | number", Cursor: "string" },
  },
  plugins: [{ operations: {} }, { documentNodes: {} }],
  pluginMap: { operations, documentNodes },
});
mkdirSync(dirname(resolve(app, filename)), { recursive: true });
writeFileSync(resolve(app, filename), text);
