// What the application says in its rooms, registered once, so that every hook knows it.

import type { AnySchema, Schema } from "@tautline/client";

/**
 * Where an application registers its schema:
 *
 * ```ts
 * declare module "@tautline/react" {
 *   interface Register {
 *     schema: App;
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is there for applications to add to
export interface Register {}

/** The schema that the application has registered, or the one in which everything may be said. */
export type AppSchema = Register extends { schema: infer S extends Schema } ? S : AnySchema;
