// @tautline/client: rooms over a connection that holds.

export { type ClientEvents, createClient, type Tautline } from "./client.js";
export type { Encoding } from "./encoding.js";
export type { Env, Lifecycle, LifecycleSign, Socket, SocketConstructor } from "./env.js";
export { type ClientErrorCode, type ErrorCode, type Outcome, type ServerErrorCode, TautlineError } from "./errors.js";
export type {
  AnyMessage,
  Cast,
  Gap,
  GapReason,
  HistoryPage,
  HistoryQuery,
  Level,
  Message,
  Position,
  PublishAck,
} from "./message.js";
export type {
  CallOptions,
  CastOptions,
  ClientOptions,
  CloseOptions,
  Joining,
  ListenOptions,
  PublishOptions,
  QueueOptions,
  RetryOptions,
  TimeoutOptions,
  TokenContext,
  TokenProvider,
  TokenReason,
} from "./options.js";
export type { Member, Presence, PresenceView } from "./presence.js";
export type { Room } from "./room.js";
export type {
  AnyRoom,
  AnySchema,
  CastData,
  CastEvent,
  CastsOf,
  MessageData,
  MessageEvent,
  Method,
  PresenceOf,
  RequestData,
  RequestResult,
  RequestSchema,
  RoomName,
  RoomOf,
  RoomSchema,
  Schema,
  Valid,
} from "./schema.js";
export type { ConnectionState, ConnectionStatus, Ending, EndingKind, RoomState, RoomStatus } from "./state.js";
export type { Report } from "./wire.js";
