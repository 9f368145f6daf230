// What the tests need of the harness that all end-to-end tests share.

declare module "*/e2e/harness.js" {
  export const HANG_MS: number;
  export const CHROMIUM: string;
  export const QUIET: string[];
  export function startServer(port?: number, settings?: Record<string, string>): Promise<RunningServer>;
  export function within<T>(promise: Promise<T>, what: string): Promise<T>;

  export interface RunningServer {
    readonly address: string;
    readonly port: number;
    readonly socket: string;
    kill(): Promise<void>;
  }
}
