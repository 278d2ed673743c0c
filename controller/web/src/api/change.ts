// A request that changes something: one key for all its attempts, and what came of it as a notice.
import type { CallOptions } from "@connectrpc/connect";
import { notify } from "../notices/notices";
import { textOfCode } from "../i18n";
import { signInNeeded } from "../session/session";
import { codeOf, maybeNotSent } from "./failure";
import { freshKey } from "./key";

const ATTEMPTS = 4;
const TIMEOUT_MS = 4_000;
const BETWEEN_MS = 700;

type Ask<A> = (idempotencyKey: string, options: CallOptions) => Promise<A>;

export async function change<A>(ask: Ask<A>, done: (answer: A) => string, failed: string): Promise<boolean> {
  const key = freshKey();
  for (let attempt = 1; ; attempt += 1) {
    try {
      notify("done", done(await ask(key, { timeoutMs: TIMEOUT_MS })));
      return true;
    } catch (reason) {
      const code = codeOf(reason);
      if (maybeNotSent(code) && attempt < ATTEMPTS) {
        await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
        continue;
      }
      if (code === "UNAUTHENTICATED" || code === "PERMISSION_DENIED") signInNeeded(code);
      notify("failed", `${failed}: ${textOfCode("code", code)}`);
      return false;
    }
  }
}
