// What the application says in its rooms, registered once, so that every hook knows it.

import type { AnySchema, Schema, Tautline } from "@tautline/client";

/** Where an application registers its schema: `declare module "@tautline/react" { interface Register { schema: App } }`. */
// biome-ignore lint/suspicious/noEmptyInterface: it is there for applications to add to
export interface Register {}

/** The schema that the application has registered, or the one in which everything may be said. */
export type AppSchema = Register extends { schema: infer S extends Schema } ? S : AnySchema;

/** A client of the application: one with the schema that is registered, or any. */
// biome-ignore lint/suspicious/noExplicitAny: without a schema, a client of any schema may be given
export type AppClient = Register extends { schema: infer S extends Schema } ? Tautline<S> : Tautline<any>;
