/* eslint-disable */
import * as types from './graphql';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "query Viewer {\n  viewer {\n    subject\n    role\n    scopes\n    suppliers {\n      id\n      code\n      name\n    }\n    expiresAt\n  }\n}": typeof types.ViewerDocument,
    "query Pulse($minutes: Int!) {\n  pulse(minutes: $minutes) {\n    at\n    minutes {\n      at\n      orders\n      units\n    }\n    logLagSeconds\n    websockets\n    streams\n    subscriptions\n  }\n}": typeof types.PulseDocument,
    "subscription Stock($after: Cursor) {\n  inventoryChanged(snapshot: true, after: $after) {\n    cursor\n    kind\n    at\n    reason\n    level {\n      id\n      version\n      onHand\n      available\n      reserved\n      committed\n      incoming\n      shortfall\n      reorderPoint\n      stale\n      asOf\n      product {\n        id\n        sku\n        name\n        category\n        baseUnit\n      }\n      location {\n        id\n        code\n        name\n        supplier {\n          id\n          name\n        }\n      }\n    }\n  }\n}": typeof types.StockDocument,
};
const documents: Documents = {
    "query Viewer {\n  viewer {\n    subject\n    role\n    scopes\n    suppliers {\n      id\n      code\n      name\n    }\n    expiresAt\n  }\n}": types.ViewerDocument,
    "query Pulse($minutes: Int!) {\n  pulse(minutes: $minutes) {\n    at\n    minutes {\n      at\n      orders\n      units\n    }\n    logLagSeconds\n    websockets\n    streams\n    subscriptions\n  }\n}": types.PulseDocument,
    "subscription Stock($after: Cursor) {\n  inventoryChanged(snapshot: true, after: $after) {\n    cursor\n    kind\n    at\n    reason\n    level {\n      id\n      version\n      onHand\n      available\n      reserved\n      committed\n      incoming\n      shortfall\n      reorderPoint\n      stale\n      asOf\n      product {\n        id\n        sku\n        name\n        category\n        baseUnit\n      }\n      location {\n        id\n        code\n        name\n        supplier {\n          id\n          name\n        }\n      }\n    }\n  }\n}": types.StockDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query Viewer {\n  viewer {\n    subject\n    role\n    scopes\n    suppliers {\n      id\n      code\n      name\n    }\n    expiresAt\n  }\n}"): (typeof documents)["query Viewer {\n  viewer {\n    subject\n    role\n    scopes\n    suppliers {\n      id\n      code\n      name\n    }\n    expiresAt\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query Pulse($minutes: Int!) {\n  pulse(minutes: $minutes) {\n    at\n    minutes {\n      at\n      orders\n      units\n    }\n    logLagSeconds\n    websockets\n    streams\n    subscriptions\n  }\n}"): (typeof documents)["query Pulse($minutes: Int!) {\n  pulse(minutes: $minutes) {\n    at\n    minutes {\n      at\n      orders\n      units\n    }\n    logLagSeconds\n    websockets\n    streams\n    subscriptions\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "subscription Stock($after: Cursor) {\n  inventoryChanged(snapshot: true, after: $after) {\n    cursor\n    kind\n    at\n    reason\n    level {\n      id\n      version\n      onHand\n      available\n      reserved\n      committed\n      incoming\n      shortfall\n      reorderPoint\n      stale\n      asOf\n      product {\n        id\n        sku\n        name\n        category\n        baseUnit\n      }\n      location {\n        id\n        code\n        name\n        supplier {\n          id\n          name\n        }\n      }\n    }\n  }\n}"): (typeof documents)["subscription Stock($after: Cursor) {\n  inventoryChanged(snapshot: true, after: $after) {\n    cursor\n    kind\n    at\n    reason\n    level {\n      id\n      version\n      onHand\n      available\n      reserved\n      committed\n      incoming\n      shortfall\n      reorderPoint\n      stale\n      asOf\n      product {\n        id\n        sku\n        name\n        category\n        baseUnit\n      }\n      location {\n        id\n        code\n        name\n        supplier {\n          id\n          name\n        }\n      }\n    }\n  }\n}"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;