// The caller's token, and whether the service asked for one. Who the caller is comes with the site's status.
import { Topic } from "../store/topic";

const STORED_AS = "drover.token";

export const sessionChanged = new Topic(0);
let bearer = stored();
let asked: string | undefined;
let isOpen = false;
let onToken: () => void = () => {};

function stored(): string {
  try {
    return sessionStorage.getItem(STORED_AS) ?? "";
  } catch {
    return "";
  }
}

export function token(): string {
  return bearer;
}

/** The code that the service asked for a token with. */
export function askedWith(): string | undefined {
  return asked;
}

export function isSignInOpen(): boolean {
  return isOpen;
}

export function whenTokenChanges(then: () => void): void {
  onToken = then;
}

export function setToken(next: string): void {
  bearer = next.trim();
  try {
    if (bearer) sessionStorage.setItem(STORED_AS, bearer);
    else sessionStorage.removeItem(STORED_AS);
  } catch {
    // The token then lives as long as the page.
  }
  asked = undefined;
  isOpen = false;
  sessionChanged.flush();
  onToken();
}

export function signInNeeded(code: string): void {
  if (asked === code) return;
  asked = code;
  isOpen = true;
  sessionChanged.flush();
}

export function signedIn(): void {
  if (asked !== "UNAUTHENTICATED") return;
  asked = undefined;
  isOpen = false;
  sessionChanged.flush();
}

export function openSignIn(open: boolean): void {
  isOpen = open;
  if (!open && asked !== "UNAUTHENTICATED") asked = undefined;
  sessionChanged.flush();
}
