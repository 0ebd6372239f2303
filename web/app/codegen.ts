import type { CodegenConfig } from "@graphql-codegen/cli";

/** Types of the contract, and of each operation in a .graphql file, into src/gql. */
const config: CodegenConfig = {
  schema: "../../schema.graphqls",
  documents: "src/**/*.graphql",
  generates: {
    "src/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        enumsAsTypes: true,
        useTypeImports: true,
        strictScalars: true,
        scalars: { DateTime: "string", Decimal: "string", URL: "string", Long: "string | number", Cursor: "string" },
      },
    },
  },
  ignoreNoDocuments: true,
};

export default config;
