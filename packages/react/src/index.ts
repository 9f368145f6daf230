"use client";

// @tautline/react: rooms, messages and presence as hooks, over one client of @tautline/client.

export { type BadgeLabels, ConnectionBadge, type ConnectionBadgeProps } from "./badge.js";
export { useConnectionState } from "./connection.js";
export { usePresence } from "./presence.js";
export { TautlineProvider, type TautlineProviderProps, useTautline } from "./provider.js";
export type { AppClient, AppSchema, Register } from "./register.js";
export { type UseRoomResult, useRoom } from "./room.js";
export { useRoomEvent } from "./room-event.js";
